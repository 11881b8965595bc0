-- Fills the shop: the same rows every time, some 400 MB with their indexes.
CREATE TEMP TABLE word AS
SELECT (ordinality - 1)::int AS i, word
  FROM unnest(string_to_array(
    'the of and to a in is it for on with as at by we you this that was were had been very quite never always '
    || 'order delivery parcel courier invoice refund garden kitchen workshop lamp table chair shelf drawer kettle '
    || 'bottle jacket lantern hammer notebook blanket basket curtain mirror ladder cabinet bicycle tent compass '
    || 'sturdy quick heavy light bright quiet warm useful honest broken spare narrow gentle wooden steel linen '
    || 'arrived packed returned replaced opened assembled painted measured cleaned repaired promised delivered '
    || 'yesterday Monday Friday morning winter spring neighbour daughter brother friend colleague manual colour '
    || 'handle hinge screw cable battery fabric corner surface edge weight price value box instructions again',
    ' ')) WITH ORDINALITY AS t (word, ordinality);

-- Phrases are made word by word; longer texts are phrases put together, which is fast.
CREATE TEMP TABLE phrase AS
SELECT p AS i, string_agg(word, ' ' ORDER BY n) AS text
  FROM generate_series(0, 8191) AS p, generate_series(1, 11) AS n, LATERAL
       (SELECT abs(hashint8extended(p * 31 + n, 7)) % (SELECT count(*) FROM word) AS pick) AS pick
  JOIN word ON word.i = pick.pick
 GROUP BY p;
ALTER TABLE phrase ADD PRIMARY KEY (i);
ANALYZE phrase;

CREATE FUNCTION pg_temp.pick(id bigint, salt bigint, choices bigint) RETURNS bigint
  LANGUAGE sql IMMUTABLE AS 'SELECT abs(hashint8extended(id, salt) / 2) % choices';

INSERT INTO shop.customers (id, name, email, street, city, credit, created_at)
SELECT id,
       (ARRAY['Ada','Ben','Carla','Dmitri','Elif','Femi','Greta','Hiro','Ines','Jonas','Kavya','Liam','Mira','Noor','Olga','Pavel'])[1 + pg_temp.pick(id, 1, 16)]
         || ' ' ||
       (ARRAY['Lindqvist','Okafor','Moreau','Tanaka','Silva','Novak','Becker','Haddad','Rossi','Kowalski','Byrne','Iyer','Larsen','Demir','Weiss','Costa'])[1 + pg_temp.pick(id, 2, 16)],
       'customer' || id || '@' || (ARRAY['example.org','example.com','example.net'])[1 + pg_temp.pick(id, 3, 3)],
       (ARRAY['Harbour','Mill','Station','Church','Garden','Bridge','Market','Forest'])[1 + pg_temp.pick(id, 4, 8)] || ' Street ' || 1 + pg_temp.pick(id, 5, 180),
       (ARRAY['Lisbon','Gdansk','Turin','Malmo','Porto','Leeds','Graz','Ghent','Izmir','Kobe'])[1 + pg_temp.pick(id, 6, 10)],
       pg_temp.pick(id, 7, 20000) / 100.0,
       timestamptz '2023-01-01 00:00:00Z' + pg_temp.pick(id, 8, 90000000) * interval '1 second'
  FROM generate_series(1::bigint, 40000) AS id;

INSERT INTO shop.products (id, sku, title, description, price, stock)
SELECT id, 'SKU-' || upper(substr(md5(id::text), 1, 8)), initcap(split_part(a.text, ' ', 1) || ' ' || split_part(b.text, ' ', 2)),
       a.text || '. ' || b.text || '. ' || c.text || '.', 3 + pg_temp.pick(id, 11, 49700) / 100.0, pg_temp.pick(id, 12, 900)
  FROM generate_series(1::bigint, 5000) AS id
  JOIN phrase a ON a.i = pg_temp.pick(id, 13, 8192) JOIN phrase b ON b.i = pg_temp.pick(id, 14, 8192) JOIN phrase c ON c.i = pg_temp.pick(id, 15, 8192);

INSERT INTO shop.orders (id, customer_id, state, placed_at, total, note)
SELECT id, 1 + pg_temp.pick(id, 21, 40000), (ARRAY['delivered','delivered','delivered','sent','paid','cancelled'])[1 + pg_temp.pick(id, 22, 6)],
       timestamptz '2024-01-01 00:00:00Z' + id * interval '239 seconds' + pg_temp.pick(id, 23, 236) * interval '1 second',
       5 + pg_temp.pick(id, 24, 90000) / 100.0, CASE WHEN pg_temp.pick(id, 25, 5) = 0 THEN phrase.text END
  FROM generate_series(1::bigint, 260000) AS id JOIN phrase ON phrase.i = pg_temp.pick(id, 26, 8192);

INSERT INTO shop.order_items (id, order_id, product_id, quantity, price)
SELECT id, 1 + (id - 1) * 260000 / 650000, 1 + pg_temp.pick(id, 31, 5000), 1 + pg_temp.pick(id, 32, 4), 3 + pg_temp.pick(id, 33, 49700) / 100.0
  FROM generate_series(1::bigint, 650000) AS id;

INSERT INTO shop.reviews (id, product_id, customer_id, stars, body, written_at)
SELECT id, 1 + pg_temp.pick(id, 41, 5000), 1 + pg_temp.pick(id, 42, 40000), 1 + pg_temp.pick(id, 43, 5),
       initcap(left(a.text, 1)) || substr(a.text, 2) || ', ' || b.text || ': ' || c.text || ', ' || d.text || '. Order ' || 1 + pg_temp.pick(id, 44, 260000) || '.',
       timestamptz '2024-01-03 00:00:00Z' + id * interval '296 seconds'
  FROM generate_series(1::bigint, 190000) AS id
  JOIN phrase a ON a.i = pg_temp.pick(id, 45, 8192) JOIN phrase b ON b.i = pg_temp.pick(id, 46, 8192)
  JOIN phrase c ON c.i = pg_temp.pick(id, 47, 8192) JOIN phrase d ON d.i = pg_temp.pick(id, 48, 8192);

INSERT INTO shop.events (id, customer_id, kind, at, session, payload)
SELECT id, 1 + pg_temp.pick(id / 7, 51, 40000), kind, timestamptz '2025-01-01 00:00:00Z' + id * interval '41 seconds',
       md5((id / 7)::text)::uuid,
       jsonb_build_object('path', '/' || kind || '/' || pg_temp.pick(id, 52, 5000), 'milliseconds', pg_temp.pick(id, 53, 4000),
         'agent', (ARRAY['Firefox/145.0','Chrome/142.0','Safari/26.1','MosaicShop/3.4'])[1 + pg_temp.pick(id / 7, 54, 4)],
         'address', '192.0.2.' || pg_temp.pick(id / 7, 55, 254), 'trace', md5(id::text))
  FROM (SELECT id, (ARRAY['view','search','basket','checkout','review'])[1 + pg_temp.pick(id, 56, 5)] AS kind FROM generate_series(1::bigint, 640000) AS id) AS event;
