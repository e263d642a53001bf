-- Prolongs a lease. KEYS[1]; ARGV[2] fence  [3] lease in ms
-- Replies 'held', 'stop' (held, but somebody asked the turn to end) or 'lost'.
local was = redis.call('HMGET', KEYS[1], 'fence', 'lease', 'stop', 'started')
if was[1] ~= ARGV[2] or not was[2] then return 'lost' end
redis.call('HSET', KEYS[1], 'lease', text(now + ARGV[3]))
if not was[4] then redis.call('PEXPIRE', KEYS[1], 60000) end
return was[3] == ARGV[2] and 'stop' or 'held'
