-- Stores a whole turn and frees the lease: the one round trip that ends a turn.
-- KEYS[1..11]; ARGV[2] fence  [3] turn id, or ''  [4] row  [5] '1': a retry may ask for it
-- [6] '1': forget the earlier turns  [7] turns to keep  [8] bytes to keep  [9] subject  [10] deadline (ms)
-- [11] expiry of the session (ms from now)  [12] expiry of the turns (ms from now)  [13] history until (ms), or ''
-- [14] attributes, or ''  [15] their revision before  [16] record if the session ends with this turn, or ''
-- [17] channel  [18] events, or ''  [19] number of counts, then their pairs, then the fields and values of the session
-- Replies 'stored', 'stale' (the lease is not ours) or 'conflict' (the attributes changed); only 'stored' wrote.
local id = ARGV[3]
local was = redis.call('HMGET', KEYS[1], 'fence', 'lease', 'rev', 'bytes')
if was[1] ~= ARGV[2] or not was[2] then
  -- The lease goes with the turn that is stored, so a repeated commit comes by here. Another row of the same id is
  -- what a retry was told after this lease was lost.
  if id ~= '' and (row_of(id) == ARGV[4] or redis.call('GET', KEYS[5]) == ARGV[4]) then return 'stored' end
  return 'stale'
end
if ARGV[14] ~= '' and (was[3] or '0') ~= ARGV[15] then return 'conflict' end

local counts = tonumber(ARGV[19])
count(20, counts)
publish(ARGV[17], ARGV[18])
if ARGV[6] == '1' then redis.call('DEL', KEYS[2], KEYS[3]) end

if ARGV[16] ~= '' then
  redis.call('SET', KEYS[5], ARGV[4], 'PX', 600000)
  if ARGV[13] == '' then
    finish(ARGV[9], ARGV[16], '')
    return 'stored'
  end
end

local length = id ~= '' and redis.call('RPUSH', KEYS[2], ARGV[4]) or redis.call('LLEN', KEYS[2])
local bytes = tonumber(was[4] or '0') + #ARGV[4]
if not was[4] or ARGV[6] == '1' or length < 2 then
  -- A session that begins with the turns of an earlier one, or whose turns were forgotten: counted anew.
  bytes = 0
  for _, row in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do bytes = bytes + #row end
end
if id ~= '' then
  while length > 1 and (length > tonumber(ARGV[7]) or bytes > tonumber(ARGV[8])) do
    local row = redis.call('LPOP', KEYS[2])
    redis.call('SREM', KEYS[3], string.match(row, '^%S+'))
    length = length - 1
    bytes = bytes - #row
  end
  if ARGV[5] == '1' then
    redis.call('SADD', KEYS[3], id)
  end
end
redis.call('PEXPIRE', KEYS[2], ARGV[12])
redis.call('PEXPIRE', KEYS[3], ARGV[12])
if ARGV[13] ~= '' then redis.call('ZADD', KEYS[8], ARGV[13], ARGV[9]) end

if ARGV[16] ~= '' then
  finish(ARGV[9], ARGV[16], ARGV[13])
  return 'stored'
end
redis.call('HDEL', KEYS[1], 'lease', 'holder', 'stop')
if ARGV[14] ~= '' then redis.call('HDEL', KEYS[1], 'edited', 'stamps') end
redis.call('HSET', KEYS[1], 'bytes', text(bytes), unpack(ARGV, 20 + 2 * counts))
redis.call('PEXPIRE', KEYS[1], ARGV[11])
if ARGV[14] ~= '' then redis.call('SET', KEYS[4], ARGV[14]) end
redis.call('PEXPIRE', KEYS[4], ARGV[11])
redis.call('ZADD', KEYS[7], ARGV[10], ARGV[9])
return 'stored'
