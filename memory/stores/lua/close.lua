-- Ends a session that is still as the caller saw it.
-- KEYS[1..11]; ARGV[2] fence of the caller's lease, or ''  [3] '1': end it even while a turn is running
-- [4] started  [5] turns  [6] subject  [7] record  [8] history until (ms), or ''  [9] channel  [10] events, or ''
-- [11] number of counts, then their pairs
-- Replies 'closed', 'gone' (another session, or none), 'changed' (it had another turn) or 'leased' (a turn is running).
local was = redis.call('HMGET', KEYS[1], 'started', 'turns', 'lease', 'fence', 'holder')
if was[1] ~= ARGV[4] then return 'gone' end
if was[2] ~= ARGV[5] then return 'changed' end
local ours = ARGV[2] ~= '' and was[4] == ARGV[2] and was[3]
if running(was[3]) and not ours and ARGV[3] ~= '1' then return 'leased' end

-- Deleting comes first: a full server refuses writes that take memory, but not in a script that has freed some.
finish(ARGV[6], ARGV[7], ARGV[8])
count(12, tonumber(ARGV[11]))
publish(ARGV[9], ARGV[10])
if ours then
  redis.call('HSET', KEYS[1], 'fence', was[4], 'lease', was[3], 'holder', was[5] or '')
  redis.call('PEXPIRE', KEYS[1], 60000)
end
return 'closed'
