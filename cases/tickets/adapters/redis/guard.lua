-- Makes somebody the event's doorkeeper, unless somebody else is.
-- KEYS: the doorkeeper (it expires), the event's state. ARGV: keeper, ms.
-- Returns the keeper's token, or 0.
local keeper = redis.call('GET', KEYS[1])
if keeper == ARGV[1] then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  return tonumber(redis.call('HGET', KEYS[2], 'token'))
elseif keeper then
  return 0
end
-- By the clock, so that tokens go on rising when Redis has lost the last one.
local time = redis.call('TIME')
local token = math.max(time[1] * 1000000 + time[2], (tonumber(redis.call('HGET', KEYS[2], 'token')) or 0) + 1)
redis.call('HSET', KEYS[2], 'token', string.format('%.0f', token))
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return token
