-- Gives accounts their places in the room, and returns them as places.lua does.
-- KEYS: the queue (a sorted set), who was admitted (a set), the event's state.
-- ARGV: account, lot, account, lot, …
-- Before the sale the score is the lot; from then on it is 2^52 and a number
-- that counts up, so that whoever comes later stands behind.
local state = redis.call('HMGET', KEYS[3], 'open', 'served', 'rate')
local open, last = state[1], nil
if open then
  -- A number for each, also for those who don't need one: what matters is the order.
  last = 4503599627370496 + redis.call('HINCRBY', KEYS[3], 'late', #ARGV / 2) - #ARGV / 2
end
local answer = {tonumber(state[2]) or 0, state[3] or '0'}
for i = 1, #ARGV, 2 do
  local account, status, ahead, mark = ARGV[i], 'admitted', 0, '0'
  if redis.call('SISMEMBER', KEYS[2], account) == 0 then
    status, mark = 'early', ARGV[i + 1]
    if open then
      status, mark = 'waiting', string.format('%.0f', last + (i + 1) / 2)
    end
    if redis.call('ZADD', KEYS[1], 'NX', mark, account) == 0 then -- it has a place
      mark = redis.call('ZSCORE', KEYS[1], account)
    end
    if open then
      ahead = redis.call('ZRANK', KEYS[1], account)
    end
  end
  local at = #answer
  answer[at + 1], answer[at + 2], answer[at + 3] = status, ahead, mark
end
return answer
