-- Frees a lease without storing a turn. KEYS[1..11]; ARGV[2] fence  [3] number of counts, then their pairs
-- Replies 1, or 0 where the lease is not ours.
local was = redis.call('HMGET', KEYS[1], 'fence', 'lease', 'started')
if was[1] ~= ARGV[2] or not was[2] then return 0 end
if was[3] then redis.call('HDEL', KEYS[1], 'lease', 'holder', 'stop') else redis.call('DEL', KEYS[1]) end
count(4, tonumber(ARGV[3]))
return 1
