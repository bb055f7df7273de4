-- Gives an account its place in the room, and returns it as places.lua does.
-- KEYS: the queue (a sorted set), who was admitted (a set), the event's state.
-- ARGV: account, lot.
-- Before the sale the score is the lot; from then on it is 2^52 and a number
-- that counts up, so that whoever comes later stands behind.
local state = redis.call('HMGET', KEYS[3], 'open', 'served', 'rate')
local served, rate = tonumber(state[2]) or 0, state[3] or '0'
if redis.call('SISMEMBER', KEYS[2], ARGV[1]) == 1 then
  return {served, rate, 'admitted', 0, '0'}
end
local mark = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not mark then
  mark = ARGV[2]
  if state[1] then
    mark = string.format('%.0f', 4503599627370496 + redis.call('HINCRBY', KEYS[3], 'late', 1))
  end
  redis.call('ZADD', KEYS[1], mark, ARGV[1])
end
if not state[1] then
  return {served, rate, 'early', 0, mark}
end
return {served, rate, 'waiting', redis.call('ZRANK', KEYS[1], ARGV[1]), mark}
