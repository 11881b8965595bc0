-- Folds the oldest transactions, up to the number in ARGV, into the base, so that a journal that is written for weeks
-- does not fill the memory. What expires counts nothing in the base: a transaction that left such a key stays until
-- its time is over.
redis.call('SELECT', LEDGER)
local base = read_base()
local now = redis.call('TIME')
now = now[1] * 1000 + math.floor(now[2] / 1000)
local last = 0
for _, entry in ipairs(redis.call('XRANGE', 'journal', '-', ARGV[1])) do
  local changes = cjson.decode(entry[2][6])
  local alive = false
  for _, change in ipairs(changes) do alive = alive or change.after[2] > now end
  if alive then break end
  for _, change in ipairs(changes) do
    for sign, side in pairs({ [-1] = change.before, [1] = change.after }) do
      if side[1] and side[2] == -1 then
        local of = toggle(base, change.database, change.key, side[1])
        of.keys = of.keys + sign
      end
    end
  end
  last = tonumber(string.match(entry[1], '^%d+'))
end
write_base(base)
redis.call('XTRIM', 'journal', 'MINID', last + 1)
return last
