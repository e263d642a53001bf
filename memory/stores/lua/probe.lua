-- Writes, and says which dataset this is. KEYS[1] probe  [2] epoch; ARGV[2] a random word for a new dataset
-- Replies {time, the dataset's word}
redis.call('SET', KEYS[1], '1', 'PX', 10000)
redis.call('SET', KEYS[2], ARGV[2], 'NX')
return {now, redis.call('GET', KEYS[2])}
