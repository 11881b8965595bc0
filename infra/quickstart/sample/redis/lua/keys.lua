-- One step through a database: ARGV is its number and the cursor. The next cursor, and keys with their images.
redis.call('SELECT', ARGV[1])
local found = redis.call('SCAN', ARGV[2], 'COUNT', 2000)
local keys = {}
for _, key in ipairs(found[2]) do
  local digest, expires = image(key)
  -- One that has expired between the two is gone.
  if digest then keys[#keys + 1] = { key, digest, expires, redis.sha1hex(ARGV[1] .. ' ' .. #key .. ':' .. key .. digest) } end
end
return cjson.encode({ cursor = found[1], keys = keys })
