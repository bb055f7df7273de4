-- Keeps what a request is about, unless it was seen before, and goes on with hold.lua,
-- which stands below.
-- KEYS: those of hold.lua, and the attempt (it expires).
-- ARGV: those of hold.lua, the attempt as text, and for how many ms it is kept.
-- Returns what hold.lua does, or {3, text} with the attempt that is kept.
local keep = table.remove(ARGV)
local text = table.remove(ARGV)
local before = redis.call('SET', KEYS[4], text, 'NX', 'GET', 'PX', keep)
if before then
  return {3, before}
end
