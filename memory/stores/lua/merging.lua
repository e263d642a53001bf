-- Stands, after common.lua, in front of the two scripts of a merge.
-- KEYS[1..10] as everywhere, then [11] merged  [12] erased
-- ARGV[2] name of the instance that merges  [3] holder of a lease that nobody uses any more, or ''
-- [4] fence of the instance's own running turn, or ''  [5] the subject's mark among the erased  [6] subject
local held = redis.call('HMGET', KEYS[1], 'lease', 'fence', 'holder')
local anothers = running(held[1]) and held[2] ~= ARGV[4] and (ARGV[3] == '' or held[3] ~= ARGV[3])

-- Changes whenever anything does that a merge looks at.
local function version()
  local was = redis.call('HMGET', KEYS[1], 'started', 'turns', 'last', 'rev', 'bytes', 'fence')
  was[7] = redis.call('LLEN', KEYS[2])
  was[8] = redis.call('LINDEX', KEYS[6], 0)
  was[9] = redis.call('ZSCORE', KEYS[12], ARGV[5])
  for i = 1, 9 do was[i] = was[i] or '-' end
  return table.concat(was, ' ')
end
