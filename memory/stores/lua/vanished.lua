-- Takes the index entry of a session out that is gone. KEYS[1..7]; ARGV[2] subject
-- Replies 1, or 0 where there was no entry, or where a session (a new one, perhaps) is there.
if redis.call('HEXISTS', KEYS[1], 'started') == 1 then return 0 end
return redis.call('ZREM', KEYS[7], ARGV[2])
