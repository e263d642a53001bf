-- Asks the turn that is running to end; its instance hears it at the next renewal. KEYS[1]
-- Replies 1, or 0 where no turn is running.
local was = redis.call('HMGET', KEYS[1], 'lease', 'fence')
if not running(was[1]) then return 0 end
redis.call('HSET', KEYS[1], 'stop', was[2])
return 1
