-- Keeps what replicas report, and returns what is fresh.
-- KEYS: the reports (a hash). ARGV: fresh for how many ms, and to report
-- something: replica, what.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if ARGV[2] then
  redis.call('HSET', KEYS[1], ARGV[2], ARGV[3] .. ' ' .. string.format('%.0f', now))
end
local fresh, all = {}, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  local what, at = string.match(all[i + 1], '^(%S+) (%S+)$')
  if math.abs(now - at) < tonumber(ARGV[1]) then -- a clock that was set back makes none fresh for long
    fresh[#fresh + 1] = all[i]
    fresh[#fresh + 1] = what
  else
    redis.call('HDEL', KEYS[1], all[i])
  end
end
return fresh
