-- Charges token buckets: all of them or, when one has too little, none.
-- KEYS: a key a bucket. ARGV: burst, tokens a second and cost of each in turn.
-- Returns 1 or 0, and what is left in each. The clock is Redis's own, the same
-- for all replicas. A bucket is forgotten when it would be full again.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local allowed, left = 1, {}
for i, key in ipairs(KEYS) do
  local burst, refill, cost = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  local held = redis.call('HMGET', key, 'tokens', 'at')
  left[i] = burst
  if held[1] then
    local gone = math.max(now - tonumber(held[2]), 0)
    left[i] = math.min(burst, tonumber(held[1]) + gone * refill)
  end
  if left[i] < cost then allowed = 0 end
end
local answer = { allowed }
for i, key in ipairs(KEYS) do
  if allowed == 1 then
    local burst, refill, cost = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
    left[i] = left[i] - cost
    redis.call('HSET', key, 'tokens', string.format('%.9f', left[i]), 'at', string.format('%.6f', now))
    redis.call('PEXPIRE', key, math.ceil((burst - left[i]) / refill * 1000) + 1000)
  end
  answer[i+1] = string.format('%.9f', left[i])
end
return answer
