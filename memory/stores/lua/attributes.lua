-- Replaces the attributes of a session that nobody changed meanwhile.
-- KEYS[1..4]; ARGV[2] started  [3] revision before  [4] the new document
-- Replies 1, or 0 where it is another session or revision by now.
local was = redis.call('HMGET', KEYS[1], 'started', 'rev')
if was[1] ~= ARGV[2] or (was[2] or '0') ~= ARGV[3] then return 0 end
redis.call('SET', KEYS[4], ARGV[4], 'PX', redis.call('PTTL', KEYS[1]))
redis.call('HSET', KEYS[1], 'rev', text(ARGV[3] + 1), 'edited', text(now))
redis.call('HDEL', KEYS[1], 'stamps')
return 1
