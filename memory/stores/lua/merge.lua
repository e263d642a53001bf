-- Replaces all of a subject by what a merge made of it, if it is still as content.lua read it; the lease of the
-- instance's own running turn stays, any other that is left is freed.
-- KEYS[1..12] and ARGV[2..6] as in merging.lua, KEYS[13..] counts of minutes; ARGV[7] version  [8] ms until a session expires
-- [9] ms until turns do  [10] attributes, or ''  [11] last turn, or ''  [12] its ms left  [13] deadline, or ''
-- [14] history until, or ''  [15] when all was erased, or ''  [16] channel of erasures  [17] what to say there;
-- then lists, each after its length:
-- fields of the session, turns, their replayable ids, records of ended ones, pairs for merged, and pairs of each minute
-- Replies 'merged', 'changed' (read it again) or 'leased' (another's turn is running).
if anothers then return 'leased' end
if version() ~= ARGV[7] then return 'changed' end

local at = 17
local function list()
  local items = {}
  local length = tonumber(ARGV[at + 1])
  for i = 1, length do items[i] = ARGV[at + 1 + i] end
  at = at + 1 + length
  return items
end
local fields, turns, ids, ended, merged = list(), list(), list(), list(), list()

-- This write comes first: a full server refuses it, but nothing in a script that has written already.
redis.call('HSET', KEYS[11], unpack(merged))
redis.call('PEXPIRE', KEYS[11], 86400000)

for key = 13, #KEYS do
  local counts = list()
  for i = 1, #counts, 2 do
    redis.call('HINCRBY', KEYS[10], counts[i], counts[i + 1])
    redis.call('HINCRBY', KEYS[key], counts[i], counts[i + 1])
  end
  redis.call('EXPIRE', KEYS[key], 90000)
end

local kept = {}
if running(held[1]) and held[2] == ARGV[4] then
  kept = {'fence', held[2], 'lease', held[1], 'holder', held[3] or ''}
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
if #fields + #kept > 0 then
  for _, value in ipairs(kept) do fields[#fields + 1] = value end
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('PEXPIRE', KEYS[1], ARGV[8])
end
for _, row in ipairs(turns) do redis.call('RPUSH', KEYS[2], row) end
for _, id in ipairs(ids) do redis.call('SADD', KEYS[3], id) end
redis.call('PEXPIRE', KEYS[2], ARGV[9])
redis.call('PEXPIRE', KEYS[3], ARGV[9])
if ARGV[10] ~= '' then redis.call('SET', KEYS[4], ARGV[10], 'PX', ARGV[8]) end
if ARGV[11] ~= '' then redis.call('SET', KEYS[5], ARGV[11], 'PX', ARGV[12]) end
for _, record in ipairs(ended) do redis.call('RPUSH', KEYS[6], record) end
redis.call('PEXPIRE', KEYS[6], 86400000)

local function index(key, score)
  if score ~= '' then redis.call('ZADD', key, score, ARGV[6]) else redis.call('ZREM', key, ARGV[6]) end
end
index(KEYS[7], ARGV[13])
index(KEYS[8], ARGV[14])
index(KEYS[9], #ended > 0 and text(now + 86400000) or '')
if ARGV[15] ~= '' then
  if redis.call('ZSCORE', KEYS[12], ARGV[5]) ~= ARGV[15] then publish(ARGV[16], ARGV[17]) end
  redis.call('ZADD', KEYS[12], ARGV[15], ARGV[5])
  redis.call('PEXPIRE', KEYS[12], 691200000)
end
return 'merged'
