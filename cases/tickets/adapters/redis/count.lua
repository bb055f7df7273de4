-- Counts tries in a sliding window: of the window before, as much counts as
-- still lies in the one that ends now.
-- KEYS: what is counted (hashes of a window's number and its count, and that of
-- the one before). ARGV: the window in ms. Returns the count of each.
local time = redis.call('TIME')
local now, width = time[1] * 1000 + math.floor(time[2] / 1000), tonumber(ARGV[1])
local window = math.floor(now / width)
local part = 1 - (now % width) / width
local counts = {}
for i, key in ipairs(KEYS) do
  local held = redis.call('HMGET', key, 'window', 'count', 'before')
  local count, before = 0, 0
  if tonumber(held[1]) == window then
    count, before = tonumber(held[2]), tonumber(held[3])
  elseif tonumber(held[1]) == window - 1 then
    before = tonumber(held[2])
  end
  count = count + 1
  redis.call('HSET', key, 'window', window, 'count', count, 'before', before)
  redis.call('PEXPIRE', key, 2 * width)
  counts[i] = count + math.ceil(before * part)
end
return counts
