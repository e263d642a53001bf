-- Reads a session and its newest turns at one moment. KEYS[1..4]; ARGV[2] how many turns
-- Replies {now, session, attributes, turns}
local turns = tonumber(ARGV[2]) > 0 and redis.call('LRANGE', KEYS[2], -ARGV[2], -1) or {}
return {now, redis.call('HGETALL', KEYS[1]), redis.call('GET', KEYS[4]), turns}
