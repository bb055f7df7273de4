-- Charges token buckets: all of them or, when one has too little, none.
-- KEYS: a key a bucket, "TOKENS AT". ARGV: burst, tokens a second and cost of
-- each in turn. Returns 1 or 0, and what is left in each. The clock is Redis's
-- own, the same for all replicas. A bucket is forgotten when it would be full
-- again.
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1e6
local allowed, left = 1, {}
for i, key in ipairs(KEYS) do
  local burst, refill, cost = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
  local held = redis.call('GET', key)
  left[i] = burst
  if held then
    local tokens, at = string.match(held, '^(%S+) (%S+)$')
    left[i] = math.min(burst, tonumber(tokens) + math.max(now - tonumber(at), 0) * refill)
  end
  if left[i] < cost then allowed = 0 end
end
local answer = { allowed }
for i, key in ipairs(KEYS) do
  if allowed == 1 then
    local burst, refill, cost = tonumber(ARGV[3*i-2]), tonumber(ARGV[3*i-1]), tonumber(ARGV[3*i])
    left[i] = left[i] - cost
    redis.call('SET', key, string.format('%.9f %.6f', left[i], now), 'PX', math.ceil((burst - left[i]) / refill * 1000) + 1000)
  end
  answer[i+1] = string.format('%.9f', left[i])
end
return answer
