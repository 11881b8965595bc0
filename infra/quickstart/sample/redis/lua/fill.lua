-- Fills the databases: the same keys every time, some 30 MB. ARGV is the first and the last number of this portion.
-- 0: what the wiki and the shop cache; 2: queues, streams, rankings. 1, sessions, comes with the journal: they expire.
local function noise(seed, parts)
  local text = {}
  for i = 1, parts do text[i] = redis.sha1hex(seed .. ' ' .. i) end
  return table.concat(text, ' ')
end

for n = tonumber(ARGV[1]), tonumber(ARGV[2]) do
  redis.call('SELECT', 0)
  redis.call('SET', 'cache:page:' .. n, '<article id="' .. n .. '"><p>' .. noise(n, 12) .. '</p>' .. string.rep('<p>To be read twice.</p>', 12) .. '</article>')
  redis.call('HSET', 'product:' .. n, 'price', n % 497, 'stock', n % 900, 'name', 'Lamp ' .. n, 'trace', noise(-n, 3))
  redis.call('SET', 'hits:' .. n, n * 7)
  redis.call('SELECT', 2)
  redis.call('ZADD', 'ranking:' .. n % 50, n, 'page:' .. n)
  redis.call('SADD', 'tag:' .. n % 40, 'page:' .. n)
  redis.call('RPUSH', 'queue:mail', '{"to":"customer' .. n .. '@example.org","template":"sent","trace":"' .. redis.sha1hex('mail' .. n) .. '"}')
  redis.call('LTRIM', 'queue:mail', -400, -1)
  redis.call('XADD', 'events', 'MAXLEN', 400, n .. '-1', 'kind', 'view', 'page', n, 'trace', redis.sha1hex('event' .. n))
end
return 'OK'
