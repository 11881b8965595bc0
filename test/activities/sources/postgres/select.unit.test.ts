import assert from 'node:assert/strict';
import { selectTables } from '../../../../activities/sources/postgres/export/select.ts';
import type { ExportEntry, ExportedTable } from '../../../../model/export.ts';
import { BackupError, type ErrorCode } from '../../../../model/errors.ts';

function table(schema: string, name: string, oid: string, more: Partial<ExportedTable> = {}): ExportedTable {
  const none = { partitionOf: null, texts: [], attach: [], left: [] };
  return { entry: 'table', database: 'shop', schema, name, oid, parts: [`1259 ${oid}`, `0 ${oid}`], ...none, ...more };
}

function content(id: string, catalog: string, oid: string, text: string): ExportEntry {
  return { entry: 'content', database: 'shop', id, catalog, oid, text };
}

const ENTRIES: readonly ExportEntry[] = [
  table('public', 'orders', '10', { texts: ['SEQUENCE SET public orders_id_seq app'], left: ['trigger touched'] }),
  table('archive', 'orders', '20'),
  table('public', 'Odd.Name', '30'),
  table('public', 'events', '40'),
  table('public', 'events_1', '41', { partitionOf: '40', attach: ['TABLE ATTACH public events_1 app'] }),
  content('5', '1259', '10', 'TABLE public orders app'),
  content('6', '1259', '40', 'TABLE public events app'),
  content('7', '1259', '41', 'TABLE public events_1 app'),
  content('8', '0', '0', 'TABLE ATTACH public events_1 app'),
  content('3', '0', '10', 'TABLE DATA public orders app'),
  content('9', '0', '41', 'TABLE DATA public events_1 app'),
  content('4', '0', '0', 'SEQUENCE SET public orders_id_seq app'),
  // The number of an object of another catalogue says nothing of a table.
  content('1', '2606', '10', 'FK CONSTRAINT public lines lines_fkey app'),
];

function ids(...wanted: readonly string[]): string {
  return selectTables(ENTRIES, 'shop', wanted)
    .list.split('\n')
    .map((line) => line.split(';')[0] ?? '')
    .join('');
}

describe('the choice of tables out of an export', () => {
  it('takes what makes a table, in the order of the archive, and names what it leaves', () => {
    const { list, left } = selectTables(ENTRIES, 'shop', ['public.orders']);
    assert.equal(
      list,
      '5; 1259 10 TABLE public orders app\n3; 0 10 TABLE DATA public orders app\n4; 0 0 SEQUENCE SET public orders_id_seq app\n',
    );
    assert.deepEqual(left, ['trigger touched (public.orders)']);
  });

  it('takes the partitions of a table along, and one partition alone as a table of its own', () => {
    assert.equal(ids('events'), '6789');
    assert.equal(ids('events_1'), '79');
    assert.equal(ids('events', 'events_1'), '6789');
  });

  it('finds names as people write them', () => {
    for (const name of ['public."Odd.Name"', '"Odd.Name"', 'Odd.Name', 'public.Odd.Name'])
      assert.equal(selectTables(ENTRIES, 'shop', [name]).tables[0]?.oid, '30', name);
  });

  it('refuses a name of two tables, and one of none, with what is near', () => {
    const refused = (name: string, code: ErrorCode, remedy: RegExp) =>
      assert.throws(
        () => selectTables(ENTRIES, 'shop', [name]),
        (error) => error instanceof BackupError && error.code === code && remedy.test(error.remedy ?? ''),
      );
    refused('orders', 'ambiguous', /schema/);
    refused('public.order', 'not-found', /public\.orders/);
  });
});
