-- The journal from one number to another, as JSON, with its base and the number of its last transaction.
redis.call('SELECT', LEDGER)
local entries = {}
for _, entry in ipairs(redis.call('XRANGE', 'journal', ARGV[1], ARGV[2])) do
  entries[#entries + 1] = { number = tonumber(string.match(entry[1], '^%d+')), at = tonumber(entry[2][2]), what = entry[2][4], changes = entry[2][6] }
end
local base = {}
for database, entry in pairs(read_base()) do
  local hash = ''
  for i = 1, 5 do hash = hash .. bit.tohex(entry.hash[i]) end
  base[#base + 1] = { database = database, keys = entry.keys, hash = hash }
end
if #entries == 0 then entries = nil end
return cjson.encode({ head = tonumber(redis.call('GET', 'head') or 0), entries = entries, base = base })
