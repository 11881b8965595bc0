/** The tables of the benchmark's database: a shop with its documents and its log of events. */
import { randomBytes } from './random.ts';
import { text } from './text.ts';

export interface Table {
  readonly name: string;
  readonly columns: readonly string[];
  /** Run after loading, as on a table that has grown. */
  readonly indexes: readonly string[];
  /** Share of the database's bytes. */
  readonly share: number;
  /** Bytes that a row takes in the data folder, with its part of the indexes: measured. */
  readonly rowBytes: number;
  /** The values of one row, as COPY reads them: no tab, line break or backslash that is not meant. */
  readonly row: (id: number) => readonly (string | number)[];
}

/** Bytes of an attachment: they go into the table's TOAST, a tenth of the database that cannot be compressed. */
const ATTACHMENT = 7_800;
const STATES = ['new', 'paid', 'shipped', 'delivered', 'returned'];
const KINDS = ['page.viewed', 'cart.changed', 'order.placed', 'payment.received', 'mail.sent', 'login.failed'];
const FIRST_TIME = Date.UTC(2024, 0, 1);

/** All tables, with generators that begin anew: the same rows every time. */
export function tables(): readonly Table[] {
  const prose = text('database');
  const random = randomBytes('database/rows');
  const upTo = (limit: number) => Math.floor(random.fraction() * limit);
  const words = (least: number, most: number) => prose.characters(least + upTo(most - least));
  const time = (id: number) => new Date(FIRST_TIME + id * 1_733).toISOString();

  return [
    {
      name: 'customers',
      columns: ['id bigint', 'name text', 'email text', 'since timestamptz', 'notes text'],
      indexes: ['PRIMARY KEY (id)', 'INDEX (email)'],
      share: 0.15,
      rowBytes: 500,
      row: (id) => [
        id,
        words(12, 24),
        `${words(8, 16).replaceAll(' ', '.')}.${id}@example.org`,
        time(id),
        words(50, 600),
      ],
    },
    {
      name: 'orders',
      columns: ['id bigint', 'customer bigint', 'placed timestamptz', 'state text', 'total numeric(10,2)', 'note text'],
      indexes: ['PRIMARY KEY (id)', 'INDEX (customer)'],
      share: 0.2,
      rowBytes: 320,
      row: (id) => [id, upTo(id) + 1, time(id), STATES[upTo(STATES.length)] ?? '', upTo(1e6) / 100, words(20, 350)],
    },
    {
      name: 'events',
      columns: ['id bigint', 'at timestamptz', 'kind text', 'payload jsonb'],
      indexes: ['PRIMARY KEY (id)', 'INDEX (at)'],
      share: 0.3,
      rowBytes: 460,
      row: (id) => {
        const payload = {
          order: upTo(id),
          session: random.bytes(8).toString('hex'),
          agent: words(20, 60),
          body: words(50, 350),
        };
        return [id, time(id), KINDS[upTo(KINDS.length)] ?? '', JSON.stringify(payload)];
      },
    },
    {
      name: 'documents',
      columns: ['id bigint', 'title text', 'body text'],
      indexes: ['PRIMARY KEY (id)'],
      share: 0.25,
      rowBytes: 1_350,
      row: (id) => [id, words(20, 60), words(500, 1_900)],
    },
    {
      name: 'attachments',
      columns: ['id bigint', 'name text', 'content bytea STORAGE EXTERNAL'],
      indexes: ['PRIMARY KEY (id)'],
      share: 0.1,
      rowBytes: ATTACHMENT + 500,
      row: (id) => [id, `${words(8, 20)}.jpg`, `\\\\x${random.bytes(ATTACHMENT).toString('hex')}`],
    },
  ];
}

/** So many rows as lines for COPY, in blocks of some hundred kilobytes. */
export function* copyLines({ row }: Table, rows: number): Generator<Buffer> {
  let lines: string[] = [];
  for (let id = 1; id <= rows; id++) {
    lines.push(row(id).join('\t'), '\n');
    if (id % 256 > 0 && id < rows) continue;
    yield Buffer.from(lines.join(''), 'latin1');
    lines = [];
  }
}
