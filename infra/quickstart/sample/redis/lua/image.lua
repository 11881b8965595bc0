-- The image of a key: a digest of its value, whatever type it has, and when it expires (-1: never). The same wherever
-- the same is in it: members of hashes and sets are sorted, and every part carries its length.
local function image(key)
  local kind = redis.call('TYPE', key)['ok']
  if kind == 'none' then return false, -1 end
  local parts
  if kind == 'string' then
    parts = { redis.call('GET', key) }
  elseif kind == 'list' then
    parts = redis.call('LRANGE', key, 0, -1)
  elseif kind == 'zset' then
    parts = redis.call('ZRANGE', key, 0, -1, 'WITHSCORES')
  elseif kind == 'set' then
    parts = redis.call('SMEMBERS', key)
    table.sort(parts)
  elseif kind == 'hash' then
    local flat = redis.call('HGETALL', key)
    parts = {}
    for i = 1, #flat, 2 do parts[#parts + 1] = #flat[i] .. ':' .. flat[i] .. flat[i + 1] end
    table.sort(parts)
  else
    parts = {}
    for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do
      parts[#parts + 1] = entry[1]
      for _, part in ipairs(entry[2]) do parts[#parts + 1] = part end
    end
  end
  for i, part in ipairs(parts) do parts[i] = #part .. ':' .. part end
  return redis.sha1hex(kind .. ' ' .. table.concat(parts)), redis.call('PEXPIRETIME', key)
end
