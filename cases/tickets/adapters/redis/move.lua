-- Does something to the seats of a hold that isn't over, to all or to none.
-- KEYS: the event's seats, what the account holds. ARGV: what, hold, token, for how long in ms (or the
-- order), seat, seat, …
--   extend   the hold ends that much from now, unless it ends later already
--   release  the seats are free, those of them that the hold still has
--   sell     the seats are sold to the order, also when the hold is over
--   free     the seats that were sold to the order are free
-- Returns when the hold ends in ms, or 0 when it is over.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local what, hold, token, value = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local seats = {unpack(ARGV, 5)}
local ours, ends = {}, 0
for i, field in ipairs(redis.call('HMGET', KEYS[1], unpack(seats))) do
  local till, holder, mark
  if field then
    till, holder, mark = string.match(field, '^(%S+) (%S+) (%S+)$')
  end
  if what == 'free' then
    if till == 'sold' and holder == value then
      ours[#ours + 1] = seats[i]
    end
  elseif till and till ~= 'sold' and holder == hold and mark == token and tonumber(till) > now then
    ours[#ours + 1] = seats[i]
    ends = math.max(ends, tonumber(till))
  end
end
if what == 'sell' then
  for _, seat in ipairs(seats) do
    redis.call('HSET', KEYS[1], seat, 'sold ' .. value .. ' ' .. token)
  end
  redis.call('ZREM', KEYS[2], unpack(seats))
  return now
elseif what == 'extend' then
  if #ours < #seats then
    return 0
  end
  ends = string.format('%.0f', math.max(ends, now + value))
  for _, seat in ipairs(seats) do
    redis.call('HSET', KEYS[1], seat, ends .. ' ' .. hold .. ' ' .. token)
    redis.call('ZADD', KEYS[2], 'XX', ends, seat)
  end
  if redis.call('PTTL', KEYS[2]) < ends - now then
    redis.call('PEXPIRE', KEYS[2], ends - now)
  end
  return tonumber(ends)
end
for _, seat in ipairs(ours) do
  redis.call('HDEL', KEYS[1], seat)
  redis.call('ZREM', KEYS[2], seat)
end
return now
