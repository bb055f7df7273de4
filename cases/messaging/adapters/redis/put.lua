-- Says where a device is connected from now on.
-- KEYS: its route (it expires), that it was signed out. ARGV: the route, ms.
-- Returns the route before, "" where there was none, or 0 of one that was signed out.
if redis.call('EXISTS', KEYS[2]) == 1 then
  return 0
end
local before = redis.call('GET', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return before or ''
