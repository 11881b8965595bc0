-- The journal begins: what the databases hold now is the base.
local base = {}
for database = 0, LEDGER - 1 do
  redis.call('SELECT', database)
  for _, key in ipairs(redis.call('KEYS', '*')) do
    local digest, expires = image(key)
    if expires == -1 then
      local entry = toggle(base, database, key, digest)
      entry.keys = entry.keys + 1
    end
  end
end
redis.call('SELECT', LEDGER)
write_base(base)
redis.call('SET', 'head', 0)
return 'OK'
