"""What Redis does in one step, in its Lua."""

import hashlib


class Script:
    """A script, which Redis knows by its digest.

    Args:
        source: Its text.
    """

    def __init__(self, source: str) -> None:
        self.source = source
        self.digest = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()


# Keys: the history (a stream) and the ids (a sorted set of positions). Arguments: what tells the
# entry apart from others, how many entries are kept, the entry, and the channel that it is
# published on.
# Numbers in Lua are doubles: microseconds since 1970 fit into their 53 bits until 2255.
APPEND = Script("""
local known = redis.call('ZSCORE', KEYS[2], ARGV[1])
if known then
    local there = redis.call('XRANGE', KEYS[1], known .. '-0', known .. '-0')
    if there[1] then
        return {known, there[1][2][2], 0, ''}
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
local text = '+' .. previous .. ' ' .. position .. ' ' .. ARGV[3]
local published = redis.pcall('PUBLISH', ARGV[4], text)
return {position, ARGV[3], 1, type(published) == 'table' and published.err or ''}
""")
"""Append an entry and publish it, or find the one that is there.

Returns its position, the entry, 1 if it is new, and why it could not be published.
"""

# Key: the lease. Arguments: the holder and milliseconds.
HOLD = Script("""
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
""")
"""Take, renew or give up a lease; returns 1 if the holder has it."""

# Key: the channel, which is in the room's slot. Argument: the text.
# A replica would publish to its own subscribers only. What deletes nothing is refused there, and
# by a Redis that takes no writes for another reason, which does not matter here.
PUBLISH = Script("""
local written = redis.pcall('DEL', KEYS[1])
if type(written) == 'table' and written.err and string.find(written.err, 'READONLY') then
    return written
end
return redis.call('PUBLISH', KEYS[1], ARGV[1])
""")
"""Publish a text, or fail where it would reach nobody else."""

SCRIPTS = {script.digest: script for script in (APPEND, HOLD, PUBLISH)}
"""All of them, by their digests."""
