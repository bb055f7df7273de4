-- Counts tries in a sliding window: of the window before, as much counts as
-- still lies in the one that ends now.
-- KEYS: the table of the counts in this window, and of those in the one before.
-- ARGV: how much of the one before counts, for how many ms a table is kept, and
-- the names of what is counted.
-- Returns the count of each. A name that comes twice is counted one after the other.
local names, share = {unpack(ARGV, 3)}, tonumber(ARGV[1])
local now = redis.call('HMGET', KEYS[1], unpack(names))
local before = redis.call('HMGET', KEYS[2], unpack(names))
local new = redis.call('EXISTS', KEYS[1]) == 0
local up, write, counts = {}, {}, {}
for i, name in ipairs(names) do
  local n = (up[name] or now[i] or 0) + 1
  up[name] = n
  write[2 * i - 1], write[2 * i] = name, n == 1 and '1' or n -- most are new, and to write a number out is dear
  counts[i] = before[i] and n + math.ceil(before[i] * share) or n
end
redis.call('HSET', KEYS[1], unpack(write))
if new then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return counts
