-- Erases all of a subject. KEYS[1..10]; ARGV[2] subject  [3] name of the count of turns in live sessions
-- Replies how many keys were there.
local turns = redis.call('HGET', KEYS[1], 'turns')
if turns then redis.call('HINCRBY', KEYS[10], ARGV[3], -turns) end
for index = 7, 9 do redis.call('ZREM', KEYS[index], ARGV[2]) end
return redis.call('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
