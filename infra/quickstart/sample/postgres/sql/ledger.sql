-- The ledger: every transaction of the shop writes down, in the same transaction, what it does to which row. So a
-- restored shop must equal what its own restored ledger says, wherever between two transactions the backup ended.
CREATE SCHEMA ledger;

-- One row: the number of the last transaction. Taking the next one locks it, so numbers have no gaps and the
-- order of numbers is the order of commits.
CREATE TABLE ledger.head (single boolean PRIMARY KEY DEFAULT true CHECK (single), number bigint NOT NULL);
INSERT INTO ledger.head (number) VALUES (0);

CREATE TABLE ledger.journal (
  number bigint PRIMARY KEY,
  at     timestamptz NOT NULL DEFAULT clock_timestamp(),
  what   text NOT NULL
);

CREATE TABLE ledger.operation (
  number   bigint NOT NULL,
  position bigint GENERATED ALWAYS AS IDENTITY,
  relation text NOT NULL,
  key      bigint NOT NULL,
  before   jsonb,
  after    jsonb,
  PRIMARY KEY (number, position)
);

-- What each table was when the journal began: its rows, and two sums of hashes of them.
CREATE TABLE ledger.base (
  relation text PRIMARY KEY,
  rows     bigint NOT NULL,
  first    numeric NOT NULL,
  second   numeric NOT NULL
);

-- Begins a transaction of the shop; every change of its tables belongs to the last one begun.
CREATE FUNCTION ledger.begin(what text) RETURNS bigint
  LANGUAGE sql SET search_path = '' AS $$
  WITH head AS (UPDATE ledger.head SET number = head.number + 1 RETURNING head.number),
       entry AS (INSERT INTO ledger.journal (number, what) SELECT head.number, what FROM head)
  SELECT pg_catalog.set_config('ledger.number', head.number::text, true)::bigint FROM head;
$$;

-- Without a number (a change outside of any transaction of the shop) the cast fails, and so does the change.
CREATE FUNCTION ledger.record() RETURNS trigger
  LANGUAGE plpgsql SET search_path = '' SET timezone = 'UTC' AS $$
BEGIN
  INSERT INTO ledger.operation (number, relation, key, before, after)
  VALUES (pg_catalog.current_setting('ledger.number')::bigint, TG_TABLE_NAME,
          CASE TG_OP WHEN 'DELETE' THEN OLD.id ELSE NEW.id END,
          CASE TG_OP WHEN 'INSERT' THEN NULL ELSE pg_catalog.to_jsonb(OLD) END,
          CASE TG_OP WHEN 'DELETE' THEN NULL ELSE pg_catalog.to_jsonb(NEW) END);
  RETURN NULL;
END;
$$;

-- Folds the oldest transactions into the base, so that a journal that is written for weeks does not fill the disk.
CREATE FUNCTION ledger.fold(upto bigint) RETURNS void
  LANGUAGE plpgsql SET search_path = '' SET timezone = 'UTC' AS $$
DECLARE
  relation text;
BEGIN
  PERFORM FROM ledger.head FOR UPDATE;
  FOR relation IN SELECT base.relation FROM ledger.base LOOP
    EXECUTE pg_catalog.format(
      'UPDATE ledger.base SET rows = base.rows + folded.rows, first = base.first + folded.first, second = base.second + folded.second
         FROM (SELECT coalesce(sum(sign), 0) AS rows,
                      coalesce(sum(sign * pg_catalog.hashtextextended(image::text, 1)), 0) AS first,
                      coalesce(sum(sign * pg_catalog.hashtextextended(image::text, 2)), 0) AS second
                 FROM (SELECT -1 AS sign, pg_catalog.jsonb_populate_record(NULL::shop.%1$I, before) AS image
                         FROM ledger.operation WHERE relation = %1$L AND number <= $1 AND before IS NOT NULL
                        UNION ALL
                       SELECT 1, pg_catalog.jsonb_populate_record(NULL::shop.%1$I, after)
                         FROM ledger.operation WHERE relation = %1$L AND number <= $1 AND after IS NOT NULL) AS images) AS folded
        WHERE base.relation = %1$L', relation) USING upto;
  END LOOP;
  DELETE FROM ledger.operation WHERE number <= upto;
  DELETE FROM ledger.journal WHERE number <= upto;
END;
$$;

-- The journal begins: what the tables are now is the base, and from here on every change is recorded.
DO $$
DECLARE
  relation text;
BEGIN
  SET LOCAL timezone = 'UTC';
  FOR relation IN SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'shop' LOOP
    EXECUTE format('INSERT INTO ledger.base SELECT %L, count(*), coalesce(sum(hashtextextended(t::text, 1)), 0), coalesce(sum(hashtextextended(t::text, 2)), 0) FROM shop.%I AS t', relation, relation);
    EXECUTE format('CREATE TRIGGER record AFTER INSERT OR UPDATE OR DELETE ON shop.%I FOR EACH ROW EXECUTE FUNCTION ledger.record()', relation);
  END LOOP;
END;
$$;
