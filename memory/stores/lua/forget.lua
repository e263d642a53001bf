-- Erases all of a subject and remembers that. KEYS[1..10], then [11] merged  [12] erased; ARGV[2] subject
-- [3] name of the count of turns in live sessions  [4] the subject's mark among the erased  [5] channel of erasures
-- [6] namespace
-- Replies how many keys were there.
local turns = tonumber(redis.call('HGET', KEYS[1], 'turns') or '0')
-- Deleting comes first: a full server refuses writes that take memory, but not in a script that has freed some.
local erased = redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
redis.call('DEL', KEYS[11])
for index = 7, 9 do redis.call('ZREM', KEYS[index], ARGV[2]) end
if turns > 0 then redis.call('HINCRBY', KEYS[10], ARGV[3], text(-turns)) end
redis.call('ZREMRANGEBYSCORE', KEYS[12], '-inf', text(now - 604800000))
redis.call('ZADD', KEYS[12], text(now), ARGV[4])
redis.call('PEXPIRE', KEYS[12], 691200000)
publish(ARGV[5], cjson.encode({{key = {ARGV[6], ARGV[2]}, at = text(now)}}))
return erased
