-- Takes the lease of a session and reads it: the one round trip that begins a turn.
-- KEYS[1..6]; ARGV[2] holder (instance)  [3] lease in ms  [4] turn id to look for, or ''  [5] how many turns to read
-- Replies {'claimed', now, fence, session, attributes, turns}
--      or {'busy', now, until}                       another turn runs, or another instance waits longer
--      or {'known', now, session, attributes, rows}  that turn is stored already, in one of the rows
local id = ARGV[4]
if id ~= '' then
  if redis.call('SISMEMBER', KEYS[3], id) == 1 and row_of(id) then
    return {'known', now, redis.call('HGETALL', KEYS[1]), redis.call('GET', KEYS[4]), redis.call('LRANGE', KEYS[2], 0, -1)}
  end
  local last = redis.call('GET', KEYS[5])
  if is_turn(last, id) then
    return {'known', now, redis.call('HGETALL', KEYS[1]), redis.call('GET', KEYS[4]), {last}}
  end
end

local held = redis.call('HMGET', KEYS[1], 'lease', 'fence', 'started', 'next', 'next_until', 'holder')
local waits = held[4] and tonumber(held[5]) > now and held[4]
if running(held[1]) then
  -- The first instance that had to wait is served next, but not the one whose turn is running while another waits:
  -- so none of them is starved by another's queue.
  if not waits or waits == ARGV[2] or waits == held[6] then
    redis.call('HSET', KEYS[1], 'next', ARGV[2], 'next_until', text(now + 1000))
  end
  return {'busy', now, tonumber(held[1])}
end
if waits and waits ~= ARGV[2] then return {'busy', now, now} end

-- A session has a start of its own, though the last one may have begun and ended within this millisecond.
local begins = now
local last = not held[3] and redis.call('LINDEX', KEYS[6], 0)
if last then begins = math.max(now, tonumber(string.match(last, '%d+')) + 1) end

local fence = math.max(micros, (tonumber(held[2]) or 0) + 1)
local session = redis.call('HGETALL', KEYS[1])
redis.call('HSET', KEYS[1], 'fence', text(fence), 'lease', text(now + ARGV[3]), 'holder', ARGV[2])
redis.call('HDEL', KEYS[1], 'next', 'next_until', 'stop')
if not held[3] then redis.call('PEXPIRE', KEYS[1], 60000) end
local turns = tonumber(ARGV[5]) > 0 and redis.call('LRANGE', KEYS[2], -ARGV[5], -1) or {}
return {'claimed', begins, fence, session, redis.call('GET', KEYS[4]), turns}
