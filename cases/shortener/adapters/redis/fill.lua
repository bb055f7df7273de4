-- Stores an entry unless the cache holds a newer one.
-- KEYS: the code's key. ARGV: version, entry (which begins with its version), time to live in ms.
-- Versions are below 2^53, so Lua's numbers hold them exactly.
local held = redis.call('GET', KEYS[1])
if held and tonumber(string.match(held, '^%d+')) > tonumber(ARGV[1]) then
  return 0
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
