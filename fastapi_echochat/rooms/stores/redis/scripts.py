"""What Redis does in one step, in its Lua."""

# Keys: the history (a stream) and the ids (a sorted set of positions). Arguments: what tells the
# entry apart from others, how many entries are kept, the entry, and the channel that it is
# published on.
# Numbers in Lua are doubles: microseconds since 1970 fit into their 53 bits until 2255.
APPEND = """
local known = redis.call('ZSCORE', KEYS[2], ARGV[1])
if known then
    local there = redis.call('XRANGE', KEYS[1], known .. '-0', known .. '-0')
    if there[1] then
        return {known, there[1][2][2]}
    end
end
local previous = 0
local last = redis.call('ZREVRANGE', KEYS[2], 0, 0, 'WITHSCORES')
if last[2] then
    previous = tonumber(last[2])
end
local time = redis.call('TIME')
local position = math.max(previous + 1, time[1] * 1000000 + time[2])
position = string.format('%.0f', position)
redis.call('XADD', KEYS[1], 'MAXLEN', ARGV[2], position .. '-0', 'entry', ARGV[3])
redis.call('ZADD', KEYS[2], position, ARGV[1])
redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -ARGV[2] - 1)
previous = string.format('%.0f', previous)
redis.call('PUBLISH', ARGV[4], '+' .. previous .. ' ' .. position .. ' ' .. ARGV[3])
return {position, ARGV[3]}
"""
"""Append an entry and publish it, or find the one that is there; returns position and entry."""

# Key: the lease. Arguments: the holder and milliseconds.
HOLD = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
    return 0
end
if ARGV[2] == '0' then
    redis.call('DEL', KEYS[1])
    return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""
"""Take, renew or give up a lease; returns 1 if the holder has it."""
