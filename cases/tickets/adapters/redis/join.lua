-- Gives accounts their places in the room, and returns them as places.lua does.
-- KEYS: the queue (a sorted set), who was admitted (a set), the event's state.
-- ARGV: lot, account, lot, account, …, each account once.
-- Before the sale the score is the lot; from then on it is 2^52 and a number
-- that counts up, so that whoever comes later stands behind.
local state = redis.call('HMGET', KEYS[3], 'open', 'served', 'rate')
local open, accounts = state[1], {}
for i = 2, #ARGV, 2 do
  accounts[i / 2] = ARGV[i]
end
local n, late = #accounts, 0
if open then
  -- A number for each, also for those who don't need one: what matters is the order.
  late = redis.call('HINCRBY', KEYS[3], 'late', n) - n
end
local admitted = redis.call('SMISMEMBER', KEYS[2], unpack(accounts))
local fresh, marks = {'NX'}, {}
for i, account in ipairs(accounts) do
  if admitted[i] == 0 then
    marks[i] = open and string.format('%.0f', 4503599627370496 + late + i) or ARGV[2 * i - 1]
    fresh[#fresh + 1], fresh[#fresh + 2] = marks[i], account
  end
end
local came = (#fresh - 1) / 2
local behind = nil -- how many are before the first of them, where all of them are new and last
if came > 0 and redis.call('ZADD', KEYS[1], unpack(fresh)) < came then -- some have a place
  marks = redis.call('ZMSCORE', KEYS[1], unpack(accounts))
elseif open and came > 0 then
  behind = redis.call('ZCARD', KEYS[1]) - came
end
local answer = {tonumber(state[2]) or 0, state[3] or '0'}
for i, account in ipairs(accounts) do
  local status, ahead, mark = 'admitted', 0, '0'
  if admitted[i] == 0 then
    status, mark = 'early', marks[i]
    if behind then
      status, ahead, behind = 'waiting', behind, behind + 1
    elseif open then
      status, ahead = 'waiting', redis.call('ZRANK', KEYS[1], account)
    end
  end
  answer[3 * i], answer[3 * i + 1], answer[3 * i + 2] = status, ahead, mark
end
return answer
