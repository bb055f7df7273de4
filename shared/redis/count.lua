-- Counts tries in a sliding window: of the window before, as much counts as
-- still lies in the one that ends now.
-- KEYS: for each thing counted its table in this window, and in the one before.
-- ARGV: how much of the one before counts, for how many ms a table is kept, and
-- the name of each thing in its tables.
-- Returns the count of each.
local now, before = {}, {}
for i = 1, #KEYS, 2 do
  now[#now + 1], before[#before + 1] = KEYS[i], KEYS[i + 1]
end
-- Of most calls all tables are there already, and have an end.
local new = redis.call('EXISTS', unpack(now)) < #now
local old = redis.call('EXISTS', unpack(before)) > 0
local counts = {}
for i, here in ipairs(now) do
  local name = ARGV[2 + i]
  local count = redis.call('HINCRBY', here, name, '1')
  if new and count == 1 and redis.call('HLEN', here) == 1 then
    redis.call('PEXPIRE', here, ARGV[2])
  end
  local past = old and redis.call('HGET', before[i], name)
  if past then
    count = count + math.ceil(past * ARGV[1])
  end
  counts[i] = count
end
return counts
