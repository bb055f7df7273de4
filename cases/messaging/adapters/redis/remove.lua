-- Drops a route, unless it is another by now. KEYS: the route. ARGV: what it was.
if redis.call('GET', KEYS[1]) == ARGV[1] then
  return redis.call('DEL', KEYS[1])
end
return 0
