-- Lets in the first of the queue, once the sale has begun.
-- KEYS: the queue, who was admitted, the event's state. ARGV: how many.
if not redis.call('HGET', KEYS[3], 'open') then
  return {}
end
local first = redis.call('ZPOPMIN', KEYS[1], ARGV[1])
local accounts = {}
for i = 1, #first, 2 do
  accounts[#accounts + 1] = first[i]
  redis.call('SADD', KEYS[2], first[i])
end
return accounts
