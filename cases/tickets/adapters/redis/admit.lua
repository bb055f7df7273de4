-- Lets in the first of the queue, once the sale has begun.
-- KEYS: the queue, who was admitted, the event's state.
-- ARGV: the doorkeeper's token, how many, at what rate.
-- Returns 0 when there has been a later doorkeeper.
local state = redis.call('HMGET', KEYS[3], 'open', 'token')
if (tonumber(state[2]) or 0) > tonumber(ARGV[1]) then
  return 0
end
redis.call('HSET', KEYS[3], 'token', ARGV[1], 'rate', ARGV[3])
if not state[1] then
  return {}
end
local first = redis.call('ZPOPMIN', KEYS[1], ARGV[2])
local accounts = {}
for i = 1, #first, 2 do
  accounts[#accounts + 1] = first[i]
  redis.call('SADD', KEYS[2], first[i])
end
if #accounts > 0 then
  redis.call('HINCRBY', KEYS[3], 'served', #accounts)
  redis.call('HSET', KEYS[3], 'mark', first[#first])
end
return accounts
