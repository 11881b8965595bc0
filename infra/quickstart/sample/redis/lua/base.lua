-- What each database was when the journal began: its lasting keys, and the combination of their hashes. Keys that
-- expire are in the journal alone, from their first write on.
local function toggle(base, database, key, digest)
  local entry = base[database] or { keys = 0, hash = { 0, 0, 0, 0, 0 } }
  local hash = redis.sha1hex(database .. ' ' .. #key .. ':' .. key .. digest)
  for i = 1, 5 do
    entry.hash[i] = bit.bxor(entry.hash[i], tonumber(string.sub(hash, i * 8 - 7, i * 8), 16))
  end
  base[database] = entry
  return entry
end

local function read_base()
  local base = {}
  local flat = redis.call('HGETALL', 'base')
  for i = 1, #flat, 2 do
    local keys, hash = string.match(flat[i + 1], '^(%d+) (%x+)$')
    base[tonumber(flat[i])] = { keys = tonumber(keys), hash = {} }
    for j = 1, 5 do base[tonumber(flat[i])].hash[j] = tonumber(string.sub(hash, j * 8 - 7, j * 8), 16) end
  end
  return base
end

local function write_base(base)
  for database, entry in pairs(base) do
    local hash = ''
    for i = 1, 5 do hash = hash .. bit.tohex(entry.hash[i]) end
    redis.call('HSET', 'base', database, string.format('%d %s', entry.keys, hash))
  end
end
