-- Appends a change to the stream, together with the id of the one before it, so
-- that a follower sees when it has missed one.
-- KEYS: the stream. ARGV: how many changes are kept, about; the entry, as cache.go writes it.
local tip = redis.call('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
local before = tip[1] and tip[1][1] or '0-0'
return redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'before', before, 'entry', ARGV[2])
