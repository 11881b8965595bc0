import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import {
  contentsChecks,
  type EarlierContents,
  type FoundContents,
} from '../../../activities/sources/earlier-contents.ts';
import { evidence, type Check } from '../../../model/evidence.ts';

describe('what an earlier proof found', () => {
  const backup = { seal: (text: string) => createHmac('sha256', 'own key').update(text).digest('hex') };
  const tables = { 'shop.orders': '2 17', 'shop.notes': '0 0', 'shop.locked': null };

  function check(
    parts: Readonly<Record<string, string | null>>,
    earlier: readonly EarlierContents[] = [],
    more: Partial<FoundContents> = {},
  ): Check {
    return checks(parts, earlier, more)[0] ?? assert.fail('no check');
  }

  function checks(
    parts: Readonly<Record<string, string | null>>,
    earlier: readonly EarlierContents[] = [],
    more: Partial<FoundContents> = {},
  ): readonly Check[] {
    const found = { way: 'rows 1', what: 'rows by table', parts: new Map(Object.entries(parts)), aside: [], ...more };
    return contentsChecks(backup, found, earlier);
  }

  function recordedAs(of: Check, told = 'recorded by evidence/db/x at vault'): EarlierContents {
    const { checks } = evidence.pick({ checks: true }).parse(JSON.parse(JSON.stringify({ checks: [of] })));
    const [{ digest, contents } = {}] = checks;
    assert.ok(digest !== undefined && contents);
    return { digest, contents, told };
  }

  it('is recorded by the first, sealed: neither names nor digests can be read or guessed from it', () => {
    const first = check(tables);
    assert.deepEqual([first.compared, first.ok], [false, true]);
    assert.match(first.detail, /recorded for later proofs: rows by table, 2 in all/);
    assert.doesNotMatch(JSON.stringify(first.contents), /shop|orders|2 17/);
    const another = { seal: (text: string) => createHmac('sha256', 'another').update(text).digest('hex') };
    const found = { way: 'rows 1', what: 'rows by table', parts: new Map(Object.entries(tables)), aside: [] };
    const sealed = Object.entries(first.contents?.parts ?? {});
    const others = contentsChecks(another, found, [])[0]?.contents?.parts ?? {};
    assert.ok(sealed.length === 3 && sealed.every(([name]) => !(name in others)));
  });

  it('must be found again; the difference is named, and by whom the record is', () => {
    const earlier = recordedAs(check(tables));
    const again = check(tables, [earlier]);
    assert.deepEqual([again.compared, again.ok, again.digest], [true, true, earlier.digest]);
    assert.match(again.detail, /2 in all, are what an earlier proof found, recorded by evidence\/db\/x at vault/);
    // Else the report would tell nothing of it.
    const [, left] = checks(tables, [earlier], { aside: ['database 0: keys with a TTL'] });
    assert.deepEqual([left?.name, left?.compared], ['contents left out', false]);
    assert.equal(left?.detail, 'database 0: keys with a TTL; shop.locked: could not be read, then or now');
    const other = check({ ...tables, 'shop.orders': '2 18' }, [earlier]);
    assert.deepEqual([other.compared, other.ok], [true, false]);
    assert.match(other.detail, /1 of 2 differ .*recorded by evidence\/db\/x at vault: shop\.orders/);
    // What cannot be read today speaks against nothing.
    assert.ok(check({ ...tables, 'shop.orders': null }, [earlier]).ok);
  });

  it('of another way compares with nothing: it is said, recorded anew, and that record counts from then on', () => {
    const older = recordedAs(check(tables, [], { way: 'rows 0' }), 'recorded by the first');
    const changed = { ...tables, 'shop.orders': 'summed otherwise' };
    const newer = check(changed, [older]);
    assert.equal(newer.compared, false);
    assert.match(newer.detail, /recorded for later proofs.*recorded by the first, compares with nothing here/);
    const again = check(changed, [older, recordedAs(newer, 'recorded by the second')]);
    assert.match(again.detail, /are what an earlier proof found, recorded by the second/);
    assert.ok(again.compared && again.ok);
  });

  it('that cannot be read any more is said', () => {
    const gone = { digest: 'x', contents: null, told: 'recorded by evidence/db/x at vault' };
    const { compared, detail } = check(tables, [gone]);
    assert.equal(compared, false);
    assert.match(detail, /recorded for later proofs.*recorded by evidence\/db\/x at vault, cannot be read/);
  });

  it('lacks nothing and holds nothing more, where all names could be told: neither is passed over', () => {
    const { 'shop.notes': notes, ...fewer } = tables;
    const earlier = recordedAs(check(tables));
    const lacking = check(fewer, [earlier]);
    assert.deepEqual([lacking.compared, lacking.ok], [true, false]);
    assert.match(lacking.detail, /rows by table: 1 of what an earlier proof found, recorded by .*, are not here/);
    const none = check({}, [earlier]);
    assert.deepEqual([none.compared, none.ok], [true, false]);
    const more = check({ ...tables, 'shop.new': '1 1' }, [earlier]);
    assert.deepEqual([more.compared, more.ok], [true, false]);
    assert.match(more.detail, /not among what an earlier proof found, .*: shop\.new/);
    // Compared by something else now, or at the end of its time.
    assert.ok(notes && check(fewer, [earlier], { excused: () => ['shop.other', 'shop.notes'] }).ok);
    const [part, left] = checks(fewer, [earlier], { partial: true });
    assert.ok(part?.ok);
    assert.match(left?.detail ?? '', /1 of that record: not everything could be told by name now/);
    const [later, rest] = checks(tables, [recordedAs(check(fewer, [], { partial: true }))]);
    assert.ok(later?.ok);
    assert.match(rest?.detail ?? '', /shop\.notes: not in that record, which is not of everything/);
  });

  it('is found in a younger record, where the oldest has it unread or written out by another program', () => {
    const by = (writer: string) => ({ by: new Map([['shop, definitions', writer]]) });
    const all = { ...tables, 'shop, definitions': 'as 15.1 writes' };
    const oldest = recordedAs(check(all, [], by('pg_dump 15.1')), 'recorded by the first');
    const changed = { ...all, 'shop, definitions': 'as 15.2 writes', 'shop.locked': '1 1' };
    const [newer, left] = checks(changed, [oldest], by('pg_dump 15.2'));
    assert.ok(newer?.ok);
    assert.match(left?.detail ?? '', /shop, definitions: written out by pg_dump 15\.2 now, by another then/);
    const records = [oldest, recordedAs(newer, 'recorded by the second')];
    assert.ok(check(changed, records, by('pg_dump 15.2')).ok);
    const damaged = { ...changed, 'shop, definitions': 'otherwise', 'shop.locked': '1 2' };
    const { ok, detail } = check(damaged, records, by('pg_dump 15.2'));
    assert.ok(!ok);
    assert.match(detail, /2 of 4 differ from what an earlier proof found, recorded by the second: /);
  });

  it('of more parts than a record holds is not recorded, and that is said', () => {
    const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, index) => [`t${index}`, '0']));
    const found = check(many);
    assert.deepEqual([found.compared, found.digest, found.contents], [false, undefined, undefined]);
    assert.match(found.detail, /not recorded for later proofs: rows by table, 10001 in all, and a record holds 10000/);
  });
});
