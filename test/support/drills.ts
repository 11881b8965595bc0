/** Reports of drills for tests: times in seconds after the declaration. */
import { DRILL_SCHEMA, type DrilledSource, type DrillReport, type Scenario } from '../../model/drill/drill.ts';
import type { GraphStep } from '../../model/graph.ts';
import type { SourceType } from '../../model/source.ts';

export const DECLARED = '2026-10-18T09:13:20.000Z';

/** RFC 3339, so many seconds after the declaration. */
export function after(seconds: number, declared = DECLARED): string {
  return new Date(Date.parse(declared) + seconds * 1000).toISOString();
}

interface Timed {
  readonly id: string;
  readonly from: number;
  readonly to: number | null;
  readonly after?: readonly string[];
  readonly state?: GraphStep['state'];
  readonly error?: string;
  readonly attempts?: number;
  readonly declared?: string;
}

export function timedStep({
  id,
  from,
  to,
  after: before = [],
  state,
  error,
  attempts = 1,
  declared,
}: Timed): GraphStep {
  const name = id.split('/').at(-1) ?? id;
  return {
    id,
    name,
    does: `${name} ${id}`,
    after: before,
    state: state ?? (to === null ? 'running' : 'done'),
    attempts,
    started: after(from, declared),
    ended: to === null ? null : after(to, declared),
    bytes: null,
    error: error === undefined ? null : { step: name, code: 'failed', message: error, remedy: 'Look at it.' },
    next: null,
    deadline: null,
  };
}

export interface DrilledOptions {
  readonly source: string;
  readonly type?: SourceType;
  /** When each of fetch, restore, start and probe ended; the first is when it began. */
  readonly at: readonly [number, number, number, number, number];
  /** Seconds. */
  readonly rtoObjective?: number;
  readonly rpoObjective?: number;
  readonly loss?: number;
  readonly place?: string | null;
  readonly declared?: string;
  readonly fields?: Partial<DrilledSource>;
}

export function drilledSource(options: DrilledOptions): DrilledSource {
  const { source, type = 'files', at, rtoObjective, rpoObjective, loss = 60, declared = DECLARED } = options;
  const place = options.place === undefined ? 'vault' : options.place;
  const names = ['fetch', 'restore', 'start', 'probe'];
  const taken = after(-3600, declared);
  const until = type === 'files' ? null : after(-loss, declared);
  return {
    source,
    type,
    objectives: {
      rto: rtoObjective === undefined ? null : rtoObjective * 1000,
      rpo: rpoObjective === undefined ? null : rpoObjective * 1000,
    },
    after: [],
    outcome: 'complete',
    choice: {
      source,
      backup: { reference: `daily/${source}/20261018T020000Z-full`, sha256: 'a'.repeat(64) },
      stale: false,
      place,
      others: [],
      at: until,
      taken,
      bytes: 3 * 2 ** 30,
    },
    restored: {
      place,
      command: [
        'mosaic-backup',
        '-c',
        '/scratch/mosaic-drill-x/recovery.yaml',
        '--host',
        'local',
        'restore',
        `daily/${source}/20261018T020000Z-full`,
        '--source',
        source,
        '--from',
        place ?? 'repository',
        ...(until === null ? [] : ['--at', until]),
        '--to',
        `/scratch/mosaic-drill-x/restored/${source}`,
      ],
      passed: [],
      damaged: [],
      bytes: 3 * 2 ** 30,
      milliseconds: (at[2] - at[1]) * 1000,
    },
    started: {
      command:
        type === 'files' ? null : [`/usr/lib/${type}/server`, '-D', `/scratch/mosaic-drill-x/restored/${source}`],
      newest: [],
    },
    probes: [{ name: 'sql', ok: true, detail: '42 rows', milliseconds: 120 }],
    rto: at[4] * 1000,
    losses: [{ by: type === 'files' ? 'backup' : 'canary', time: after(-loss, declared), milliseconds: loss * 1000 }],
    steps: names.map((name, index) =>
      timedStep({ id: `${source}/${name}`, from: at[index] ?? 0, to: at[index + 1] ?? 0, declared }),
    ),
    errors: [],
    ...options.fields,
  };
}

export interface ReportOptions {
  readonly runId?: string;
  readonly scenario?: Scenario;
  readonly declared?: string;
  readonly sources?: readonly DrilledSource[];
  readonly fields?: Partial<DrillReport>;
}

/** A drill of which all went well, in five minutes, with an objective of ten. */
export function drillReport({
  scenario = 'host-lost',
  declared = DECLARED,
  ...options
}: ReportOptions = {}): DrillReport {
  const sources = options.sources ?? [
    drilledSource({ source: 'postgres', type: 'postgres', at: [22, 30, 190, 200, 205], declared }),
    drilledSource({ source: 'wiki', at: [22, 24, 80, 80, 82], loss: 3600, declared }),
    drilledSource({
      source: 'cache',
      type: 'redis',
      at: [205, 207, 280, 290, 300],
      declared,
      fields: { after: ['postgres'] },
    }),
  ];
  const steps = [
    timedStep({ id: 'plan', from: -3, to: -1, declared }),
    timedStep({ id: 'declare', from: -1, to: 0, declared }),
    timedStep({ id: 'provision', from: 0, to: 12, declared }),
    timedStep({ id: 'choose', from: 12, to: 22, declared }),
    timedStep({ id: 'measure', from: 300, to: 301, declared }),
    // The graph of a drill shows those of its sources too.
    ...sources.flatMap((one) => one.steps),
  ];
  const rtos = sources.map(({ rto }) => rto);
  return {
    schema: DRILL_SCHEMA,
    runId: options.runId ?? `drill-${declared.slice(0, 19)}Z`,
    site: 'test',
    scenario,
    host: 'local',
    outcome: 'complete',
    declared,
    ended: after(302, declared),
    choice: {
      disaster: declared,
      point: 'daily-2026-10-18T02:00:00Z',
      sources: sources.flatMap(({ choice }) => choice ?? []),
      lacking: [],
      passed: [],
    },
    sources,
    steps,
    objectives: { rto: 600_000, rpo: 7_200_000 },
    rto: rtos.includes(null) ? null : Math.max(...rtos.map((rto) => rto ?? 0)),
    criticalPath: [
      'declare',
      'provision',
      'choose',
      'postgres/fetch',
      'postgres/restore',
      'postgres/start',
      'postgres/probe',
      'cache/fetch',
      'cache/restore',
      'cache/start',
      'cache/probe',
    ].filter((id) => !id.includes('/') || sources.some(({ source }) => id.startsWith(`${source}/`))),
    rpo: Math.max(...sources.map(({ losses }) => losses[0]?.milliseconds ?? 0)),
    confirmations: [],
    config: 'c'.repeat(64),
    errors: [],
    ...options.fields,
  };
}
