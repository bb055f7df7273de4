-- Counts tries in a sliding window: of the window before, as much counts as
-- still lies in the one that ends now.
-- KEYS: for each thing counted its table in this window, and in the one before.
-- ARGV: how much of the one before counts, for how many ms a table is kept, and
-- the name of each thing in its tables.
-- Returns the count of each.
local counts = {}
for i = 1, #KEYS, 2 do
  local name = ARGV[2 + (i + 1) / 2]
  local count = redis.call('HINCRBY', KEYS[i], name, '1')
  if count == 1 and redis.call('HLEN', KEYS[i]) == 1 then
    redis.call('PEXPIRE', KEYS[i], ARGV[2])
  end
  local before = redis.call('HGET', KEYS[i + 1], name)
  if before then
    count = count + math.ceil(before * ARGV[1])
  end
  counts[#counts + 1] = count
end
return counts
