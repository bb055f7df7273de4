-- Counts tries in a sliding window: of the window before, as much counts as
-- still lies in the one that ends now.
-- KEYS: for each thing counted its count in this window, and in the one before.
-- ARGV: how much of the one before counts, for how many ms a count is kept.
-- Returns the count of each.
local counts = {}
for i = 1, #KEYS, 2 do
  local count = redis.call('INCR', KEYS[i])
  if count == 1 then
    redis.call('PEXPIRE', KEYS[i], ARGV[2])
  end
  local before = redis.call('GET', KEYS[i + 1])
  if before then
    count = count + math.ceil(before * ARGV[1])
  end
  counts[#counts + 1] = count
end
return counts
