/** A restore into a running server as a run of its own: what travels between client, workflow and activities. Small, and never a secret. */
import { pendingStep, type GraphStep } from './graph.ts';
import type { PinnedReference } from './reference.ts';
import type { RestoreWaits, SeenTarget } from './restore-run.ts';
import type { StepError } from './run.ts';

/** A database, or tables of it, out of the backup's export. */
export interface IntoExport {
  readonly kind: 'export';
  readonly database: string;
  /** The whole database when empty. */
  readonly tables: readonly string[];
  /** Whether owners and grants are restored too. */
  readonly owners: boolean;
}

/** Keys of Redis. */
export interface IntoKeys {
  readonly kind: 'keys';
  /** Its number, in the backup and in the server. */
  readonly database: number;
  /** As SCAN takes it. */
  readonly pattern: string;
}

export interface IntoInput {
  readonly site: string;
  /** The host whose worker does it, and reaches the server. */
  readonly host: string;
  readonly source: string;
  readonly backup: PinnedReference;
  /** Null: the host's repository. */
  readonly place: string | null;
  readonly what: IntoExport | IntoKeys;
  /** The server, as `--into` names it; the source's own for whatever that leaves out. */
  readonly into: Readonly<Record<string, string>>;
  /** An absolute path on that host; null where it takes none. */
  readonly passwordFile: string | null;
  /** Whether what is in the way gives up its place. */
  readonly replace: boolean;
  /** Where scratch comes, as whoever asks for it sees that; absent: whatever the worker sees is meant. */
  readonly seen?: SeenTarget;
}

export interface IntoRun extends IntoInput {
  readonly waits: RestoreWaits;
}

/** What its step gets. */
export interface IntoStepInput extends IntoRun {
  /** Of the run: the same for all attempts. */
  readonly run: string;
  /** RFC 3339; when the run was started. Absent in those that an older version began. */
  readonly asked?: string;
  /** Whether an attempt before this one may have begun: then there is a note of it, where state was not lost. */
  readonly again?: boolean;
}

/** What the step did. */
export interface PutInto {
  readonly milliseconds: number;
  /** Of Redis: those that were meant, that the server had, that it has taken, and whose TTL had ended; bytes as they were dumped. */
  readonly keys: KeysPut | null;
}

export interface KeysPut {
  readonly meant: number;
  readonly taken: number;
  readonly restored: number;
  readonly lapsed: number;
  /** Left as they are, since clients may have written them after an attempt that was cut off. */
  readonly kept: number;
  readonly bytes: number;
}

export interface IntoReport {
  /** Null while it goes on. */
  readonly outcome: 'complete' | 'failed' | null;
  readonly done: PutInto | null;
  readonly error: StepError | null;
  readonly elsewhere?: string;
}

export const INTO_STEP = 'restore';

export function intoSteps(input: IntoInput): readonly GraphStep[] {
  const { source, backup, place, host } = input;
  const does = `restore ${whatText(input)} of ${backup.reference} from ${place ?? 'the repository'} into ${serverText(input)}, on ${host}`;
  return [pendingStep(INTO_STEP, `restore of ${source}`, does)];
}

/** `tables a, b of shop`; `keys "session:*" of database 0` */
export function whatText({ what }: Pick<IntoInput, 'what'>): string {
  if (what.kind === 'keys') return `keys "${what.pattern}" of database ${what.database}`;
  return what.tables.length === 0
    ? `database ${what.database}`
    : `${what.tables.join(', ')} of database ${what.database}`;
}

/** As `--into` has it; of the source's own server it says just that: two sources have two. */
export function serverText({ into, source }: Pick<IntoInput, 'into' | 'source'>): string {
  const words = Object.entries(into).map(([name, value]) => `${name}=${value}`);
  if (namesServer(into)) return words.join(' ');
  return `the server of ${source}${words.length === 0 ? '' : ` (${words.join(' ')})`}`;
}

/** Whether it says which server is meant, and not the source's own. */
export function namesServer(into: IntoInput['into']): boolean {
  return into['host'] !== undefined || into['socket'] !== undefined;
}
