/** Phases of a drill that wait for somebody: who is told, again and again, until he confirms it. */
import { ApplicationFailure, condition, setHandler } from '@temporalio/workflow';
import type { Confirmation, DrillSpec, ManualPhase } from '../model/drill/drill.ts';
import { confirmId } from '../model/drill/steps.ts';
import { phaseAsked } from '../model/graph.ts';
import type { StepError } from '../model/run.ts';
import { formatDuration } from '../model/units.ts';
import { confirmPhase } from './messages.ts';
import type { StepRunner } from './step-runner.ts';

export interface Confirmations {
  /** Waits for somebody's word. Null where the phase is no manual one; an error where nobody gave it until the deadline. */
  confirmation(phase: ManualPhase): Promise<Confirmation | { readonly error: StepError } | null>;
  /** Waits until everybody has been told. */
  ended(): Promise<void>;
}

export interface ConfirmationOptions {
  readonly spec: Pick<DrillSpec, 'manual' | 'waits'>;
  readonly runner: StepRunner;
  /** Tells whoever is to know how the drill stands. Never fails. */
  readonly told: () => Promise<void>;
}

/** Sets the handler of `confirm`. */
export function confirmationsOf({ spec, runner, told }: ConfirmationOptions): Confirmations {
  const { manual, waits } = spec;
  const confirmed = new Map<ManualPhase, string | null>();
  const telling: Promise<void>[] = [];

  setHandler(
    confirmPhase,
    ({ phase, note }) => {
      confirmed.set(phase, note ?? null);
      return `${phase}: confirmed`;
    },
    {
      validator: refuse,
      description: 'Let a phase go on that waits for somebody. Input: {"phase": "probe", "note": "…"}.',
    },
  );
  return { confirmation, ended: async () => void (await Promise.all(telling)) };

  async function confirmation(phase: ManualPhase): ReturnType<Confirmations['confirmation']> {
    if (!manual.includes(phase)) return null;
    const began = Date.now();
    const ended = await runner.run(confirmId(phase), waits, () => word(phase, began + waits.deadline));
    telling.push(told());
    if (!ended.ok) return { error: ended.error };
    return { phase, milliseconds: Date.now() - began, note: ended.value };
  }

  /** The clock runs, whoever is told meanwhile. */
  async function word(phase: ManualPhase, until: number): Promise<string | null> {
    const isConfirmed = (): boolean => confirmed.has(phase);
    while (!isConfirmed()) {
      const left = until - Date.now();
      if (left <= 0)
        throw ApplicationFailure.nonRetryable(`nobody confirmed it in ${formatDuration(waits.deadline)}`, 'failed');
      telling.push(told());
      await condition(isConfirmed, Math.min(left, waits.remindAfter));
    }
    return confirmed.get(phase) ?? null;
  }

  /** The input comes from whoever fills in the form: what the signed record could not hold is refused here. */
  function refuse({ phase, note }: { readonly phase: ManualPhase; readonly note?: unknown }): void {
    if (note !== undefined && typeof note !== 'string')
      throw new Error('note is no text: {"phase": "probe", "note": "…"}');
    const waiting = runner.steps().flatMap((step) => phaseAsked(step) ?? []);
    if (waiting.includes(phase) && !confirmed.has(phase)) return;
    const which = waiting.length > 0 ? `Waiting for somebody: ${waiting.join(', ')}.` : 'Nothing waits for anybody.';
    throw new Error(`${phase} does not wait to be confirmed. ${which}`);
  }
}
