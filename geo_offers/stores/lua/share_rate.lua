-- One bucket of a rate that several processes share.
-- KEYS[1]  the moment at which the bucket is full again, in seconds of this server's clock
-- ARGV     how many were taken since the last time; seconds in which one comes back
-- Gives in how many seconds it is full. A bucket that is full is as one that was never there.
local time = redis.call('TIME')
local now_s = tonumber(time[1]) + tonumber(time[2]) / 1000000
local full_at_s = tonumber(redis.call('GET', KEYS[1]) or 0)
local waiting_s = math.max(0, full_at_s - now_s) + tonumber(ARGV[1]) * tonumber(ARGV[2])
redis.call('SET', KEYS[1], string.format('%.6f', now_s + waiting_s), 'PX', math.ceil(waiting_s * 1000) + 1)
return string.format('%.6f', waiting_s)
