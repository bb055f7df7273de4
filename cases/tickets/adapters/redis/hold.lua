-- Holds all seats for a hold, or none.
-- KEYS: the event's seats (a hash), its last token, what the account holds (a
-- sorted set of seats by when they are free again).
-- ARGV: hold, time to live in ms, how many seats the account may hold (0: any
-- number), seat, seat, …
-- Returns {1, token, until in ms}, {0, seat, …} with those that others have, or
-- {2, n} where the account holds n others already.
-- A field is "UNTIL HOLD TOKEN", and "sold ORDER TOKEN" for good.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local seats = {unpack(ARGV, 4)}
local held = redis.call('HMGET', KEYS[1], unpack(seats))
local taken, ours, token, ends = {0}, 0, nil, nil
for i, value in ipairs(held) do
  if value then
    local till, hold, mark = string.match(value, '^(%S+) (%S+) (%S+)$')
    if till == 'sold' then
      taken[#taken + 1] = seats[i]
    elseif tonumber(till) > now then
      if hold == ARGV[1] then
        ours, token, ends = ours + 1, mark, till
      else
        taken[#taken + 1] = seats[i]
      end
    end
  end
end
if #taken > 1 then
  return taken
end
if ours == #seats then -- a repetition
  return {1, tonumber(token), tonumber(ends)}
end

local most = tonumber(ARGV[3])
if most > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
  local has = redis.call('ZCARD', KEYS[3])
  if has > 0 then -- those that are asked for again count once
    for _, score in ipairs(redis.call('ZMSCORE', KEYS[3], unpack(seats))) do
      if score then
        has = has - 1
      end
    end
  end
  if has + #seats > most then
    return {2, has}
  end
end

-- By the clock, so that tokens go on rising when Redis has lost the last one.
token = math.max(time[1] * 1000000 + time[2], (tonumber(redis.call('GET', KEYS[2])) or 0) + 1)
token = string.format('%.0f', token)
ends = string.format('%.0f', now + ARGV[2])
redis.call('SET', KEYS[2], token)
local fields = {}
for _, seat in ipairs(seats) do
  fields[#fields + 1] = seat
  fields[#fields + 1] = ends .. ' ' .. ARGV[1] .. ' ' .. token
end
redis.call('HSET', KEYS[1], unpack(fields))
if most > 0 then
  local marks = {}
  for _, seat in ipairs(seats) do
    marks[#marks + 1] = ends
    marks[#marks + 1] = seat
  end
  redis.call('ZADD', KEYS[3], unpack(marks))
  if redis.call('PTTL', KEYS[3]) < tonumber(ARGV[2]) then -- it ends with the last of the holds
    redis.call('PEXPIRE', KEYS[3], ARGV[2])
  end
end
return {1, tonumber(token), tonumber(ends)}
