-- Events at the end of a stream, all or none.
-- KEYS[1]  the stream
-- ARGV     how many it may hold; for how many milliseconds it is kept after this; the events
-- Gives how many it holds, or -1 when these are too many for it.
local before = redis.call('XLEN', KEYS[1])
local added = #ARGV - 2
if before + added > tonumber(ARGV[1]) then
  return -1
end
for place = 3, #ARGV do
  redis.call('XADD', KEYS[1], '*', 'event', ARGV[place])
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return before + added
