-- Has a route hold on, unless the device is at another gateway by now.
-- KEYS: the route, that the device was signed out.
-- ARGV: the route, ms, what all routes of this gateway begin with, 1 where it could
-- not be put before, so that what stands there is older.
-- Returns 0 (held), 1 (it was lost), 2 (the device is elsewhere), 3 (signed out).
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 3
end
local now = redis.call('GET', KEYS[1])
if ARGV[4] == '1' then
  now = false
end
if now and string.sub(now, 1, #ARGV[3]) ~= ARGV[3] then
  return 2
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return now and 0 or 1
