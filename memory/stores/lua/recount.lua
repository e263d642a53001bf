-- Counts anew the turns of all live sessions of a shard. KEYS[1] totals  [2] deadlines  [3..] the sessions
-- ARGV[2] name of the count  [3..] their subjects
-- Replies 1, or 0 where others are live than these.
local live = redis.call('ZRANGE', KEYS[2], 0, -1)
if #live ~= #KEYS - 2 then return 0 end
local given = {}
for i = 3, #ARGV do given[ARGV[i]] = true end
for _, subject in ipairs(live) do
  if not given[subject] then return 0 end
end

local turns = 0
for i = 3, #KEYS do turns = turns + (redis.call('HGET', KEYS[i], 'turns') or 0) end
redis.call('HSET', KEYS[1], ARGV[2], text(turns))
return 1
