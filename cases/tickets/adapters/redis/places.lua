-- Looks up where accounts stand.
-- KEYS: the queue, who was admitted, the event's state. ARGV: accounts.
-- Returns how many were let in and at what rate a second, then status, how many
-- ahead and mark of each.
local state = redis.call('HMGET', KEYS[3], 'open', 'served', 'rate')
local answer = {tonumber(state[2]) or 0, state[3] or '0'}
for i, account in ipairs(ARGV) do
  local status, ahead, mark = 'unknown', 0, redis.call('ZSCORE', KEYS[1], account)
  if mark then
    status = 'early'
    if state[1] then
      status, ahead = 'waiting', redis.call('ZRANK', KEYS[1], account)
    end
  elseif redis.call('SISMEMBER', KEYS[2], account) == 1 then
    status = 'admitted'
  end
  answer[3*i], answer[3*i+1], answer[3*i+2] = status, ahead, mark or '0'
end
return answer
