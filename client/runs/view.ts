/** A run as a person watches it: one line a source on a terminal, a line per change without one. */
import { Listr, type ListrTaskWrapper } from 'listr2';
import { formatBytes, formatDuration } from '../../model/units.ts';
import type { SourceProgress, StepProgress } from './watch.ts';

export interface RunView {
  update(sources: readonly SourceProgress[]): void;
  /** Waits until everything is drawn. */
  close(): Promise<void>;
}

/** Plain lines, one whenever the state of a source or a failing attempt changes, and each remedy once. */
export function plainView(note: (line: string) => void): RunView {
  const said = new Map<string, string>();
  const advised = new Map<string, string>();
  return {
    update(sources) {
      for (const source of sources) {
        const line = `${source.source}: ${stateOf(source)}`;
        if (said.get(source.source) === line) continue;
        said.set(source.source, line);
        note(line);
        const remedy = failingOf(source)?.remedy ?? null;
        if (remedy === null || advised.get(source.source) === remedy) continue;
        advised.set(source.source, remedy);
        note(`  What to do: ${remedy}`);
      }
    },
    close: async () => {},
  };
}

/** One task a source, redrawn in place with its bytes. */
export function terminalView(): RunView {
  const tasks = new Map<string, SourceTask>();
  let drawing: Promise<unknown> | undefined;
  return {
    update(sources) {
      for (const source of sources) if (!tasks.has(source.source)) tasks.set(source.source, sourceTask(source));
      drawing ??= sources.length > 0 ? draw(tasks) : undefined;
      for (const source of sources) tasks.get(source.source)?.update(source);
    },
    async close() {
      for (const task of tasks.values()) task.end();
      await drawing;
    },
  };
}

type Wrapper = ListrTaskWrapper<unknown, never, never>;

interface SourceTask {
  readonly title: string;
  run(wrapper: Wrapper): Promise<void>;
  update(source: SourceProgress): void;
  end(): void;
}

function sourceTask(first: SourceProgress): SourceTask {
  const ended = Promise.withResolvers<void>();
  let latest = first;
  let wrapper: Wrapper | undefined;
  return {
    title: first.source,
    run: (given) => {
      wrapper = given;
      return ended.promise;
    },
    update(source) {
      latest = source;
      if (!wrapper) return;
      wrapper.title = `${source.source}: ${stateOf(source)}`;
      wrapper.output = belowOf(source);
      if (source.outcome !== null) this.end();
    },
    end() {
      if (latest.outcome === 'failed') ended.reject(new Error(`${latest.source}: ${stateOf(latest)}`));
      else ended.resolve();
    },
  };
}

function draw(tasks: ReadonlyMap<string, SourceTask>): Promise<unknown> {
  const list = new Listr(
    [...tasks.values()].map((task) => ({
      title: task.title,
      task: (_context: unknown, wrapper) => task.run(wrapper as Wrapper),
    })),
    {
      concurrent: true,
      exitOnError: false,
      registerSignalListeners: false,
      rendererOptions: { showErrorMessage: false },
    },
  );
  return list.run();
}

interface Failing {
  readonly what: string;
  /** The attempt that is waited for, or goes on. */
  readonly attempt: number;
  readonly why: string;
  readonly remedy: string | null;
}

/** The step that waits for its next attempt, or is at it. */
function failingOf({ steps = [], activities }: SourceProgress): Failing | undefined {
  const step = steps.find(({ error, ended }) => error !== null && ended === null);
  if (step?.error) {
    const attempt = step.attempts + (step.state === 'waiting' ? 1 : 0);
    return { what: step.name, attempt, why: step.error.message, remedy: step.error.remedy };
  }
  const of = activities.find(({ lastFailure, attempt }) => lastFailure !== null && attempt > 1);
  return of && { what: of.activity, attempt: of.attempt, why: of.lastFailure ?? '', remedy: of.remedy };
}

/** `capturing 120.0 MiB of 200.0 MiB`, `complete: full, 240.1 MiB in 8.1s, copies: vault`, `capture: attempt 3 after: …`. */
function stateOf(source: SourceProgress): string {
  const { state, outcome, captured, copies, errors } = source;
  const failing = failingOf(source);
  if (failing) return `waiting, attempt ${failing.attempt} of ${failing.what} after: ${failing.why}`;
  if (outcome === null) return state;
  const [error] = errors;
  const facts = captured
    ? `: ${captured.kind}, ${formatBytes(captured.bytes)} in ${formatDuration(captured.milliseconds)}${copies.length > 0 ? `, copies: ${copies.map(({ destination }) => destination).join(', ')}` : ''}`
    : '';
  return `${outcome}${facts}${error ? `. ${error.step}: ${error.message}` : ''}`;
}

/** What stands below a source: what to do about a step that fails, or the bytes of those that run. */
function belowOf(source: SourceProgress): string {
  const remedy = failingOf(source)?.remedy;
  return [...source.activities.map(stepLine), remedy ? `What to do: ${remedy}` : '']
    .filter((line) => line !== '')
    .join('  ');
}

function stepLine({ phase, bytes, total }: StepProgress): string {
  if (phase === null || bytes === null) return '';
  return `${phase} ${formatBytes(bytes)}${total ? ` of about ${formatBytes(total)}` : ''}`;
}
