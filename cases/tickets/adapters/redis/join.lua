-- Gives an account its place in the room.
-- KEYS: the queue (a sorted set), who was admitted (a set), the event's state.
-- ARGV: account, lot.
-- Before the sale the score is the lot; from then on it is 2^52 and a number
-- that counts up, so that whoever comes later stands behind.
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 1 then
  return 0
end
local score = ARGV[2]
if redis.call('HGET', KEYS[3], 'open') then
  score = string.format('%.0f', 4503599627370496 + redis.call('HINCRBY', KEYS[3], 'late', 1))
end
return redis.call('ZADD', KEYS[1], 'NX', score, ARGV[1])
