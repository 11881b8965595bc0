-- One transaction: ARGV is what it is called, and its commands as JSON, [[database, word, …], …], where the second
-- word of a command is its key. Redis runs a script as one transaction, and writes it as one to replicas and to the
-- append-only file: so the journal and what it tells of are never apart.
local commands = cjson.decode(ARGV[2])
local touched, seen = {}, {}
for _, words in ipairs(commands) do
  local name = words[1] .. ' ' .. words[3]
  if not seen[name] then
    seen[name] = true
    redis.call('SELECT', words[1])
    local digest, expires = image(words[3])
    touched[#touched + 1] = { database = words[1], key = words[3], before = { digest, expires } }
  end
end
for _, words in ipairs(commands) do
  redis.call('SELECT', words[1])
  redis.call(unpack(words, 2))
end
for _, change in ipairs(touched) do
  redis.call('SELECT', change.database)
  change.after = { image(change.key) }
end
redis.call('SELECT', LEDGER)
local number = redis.call('INCR', 'head')
local time = redis.call('TIME')
redis.call('XADD', 'journal', number .. '-0', 'at', string.format('%d%03d', time[1], math.floor(time[2] / 1000)),
  'what', ARGV[1], 'changes', cjson.encode(touched))
return number
