-- Reads all of a subject, and asks for the lease that another has. KEYS[1..12] and ARGV[2..6] as in merging.lua
-- Replies {now, until when another's turn runs or 0, version, session, attributes, turns, ids, last, its ms left,
--          ended, deadline, history until, merged, erased}
local waits = redis.call('HMGET', KEYS[1], 'next', 'next_until')
if anothers and not (waits[1] and tonumber(waits[2]) > now) then
  redis.call('HSET', KEYS[1], 'next', ARGV[2], 'next_until', text(now + 1000))
end
return {
  now, anothers and tonumber(held[1]) or 0, version(), redis.call('HGETALL', KEYS[1]), redis.call('GET', KEYS[4]),
  redis.call('LRANGE', KEYS[2], 0, -1), redis.call('SMEMBERS', KEYS[3]), redis.call('GET', KEYS[5]),
  redis.call('PTTL', KEYS[5]), redis.call('LRANGE', KEYS[6], 0, -1), redis.call('ZSCORE', KEYS[7], ARGV[6]),
  redis.call('ZSCORE', KEYS[8], ARGV[6]), redis.call('HGETALL', KEYS[11]), redis.call('ZSCORE', KEYS[12], ARGV[5])
}
