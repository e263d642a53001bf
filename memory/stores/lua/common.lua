-- Stands in front of every script of a subject. All of them get their keys in this order, or the first few of it:
-- KEYS[1] session  [2] turns  [3] ids  [4] attributes  [5] last  [6] ended
--     [7] deadlines  [8] histories  [9] records  [10] totals  [11] minute        (named in memory/stores/keys.py)
-- ARGV[1] is always a shift in ms that is added to the server's time: 0, but for tests that move the clock.

local function text(number) return string.format('%.0f', number) end

local time = redis.call('TIME')
local micros = time[1] * 1000000 + time[2]
local now = math.floor(micros / 1000) + ARGV[1]

-- Is the lease (its end in ms, or false) still running?
local function running(lease) return lease and tonumber(lease) > now end

-- Is this row the turn of that id?
local function is_turn(row, id) return row and string.sub(row, 1, #id + 1) == id .. ' ' end

-- The stored row of the turn of that id, or nil.
local function row_of(id)
  for _, row in ipairs(redis.call('LRANGE', KEYS[2], 0, -1)) do
    if is_turn(row, id) then return row end
  end
end

-- Adds the pairs (name, number) from ARGV[first] on, `pairs` of them, to the totals and to the minute.
local function count(first, pairs)
  for i = first, first + 2 * pairs - 1, 2 do
    redis.call('HINCRBY', KEYS[10], ARGV[i], ARGV[i + 1])
    redis.call('HINCRBY', KEYS[11], ARGV[i], ARGV[i + 1])
  end
  if pairs > 0 then redis.call('EXPIRE', KEYS[11], 90000) end
end

-- Tells whoever listens; '' tells nothing.
local function publish(channel, event)
  if event ~= '' then redis.call('PUBLISH', channel, event) end
end

-- Deletes a session's data and leaves its record. Turns stay where they outlive it (history_until is not ''). What the
-- session before left (behind the fourth field of its record) was for this one.
local function finish(subject, record, history_until)
  redis.call('DEL', KEYS[1], KEYS[4])
  if history_until == '' then
    redis.call('DEL', KEYS[2], KEYS[3])
    redis.call('ZREM', KEYS[8], subject)
  end
  redis.call('ZREM', KEYS[7], subject)
  local before = redis.call('LINDEX', KEYS[6], 0)
  local fields = before and cjson.decode(before)
  if fields and fields[5] then
    redis.call('LSET', KEYS[6], 0, cjson.encode({fields[1], fields[2], fields[3], fields[4]}))
  end
  redis.call('LPUSH', KEYS[6], record)
  redis.call('LTRIM', KEYS[6], 0, 19)
  redis.call('PEXPIRE', KEYS[6], 86400000)
  redis.call('ZADD', KEYS[9], text(now + 86400000), subject)
end
