/** A Temporal of a test's own, and workers on it in processes of their own, which the test kills at points of their work. */
import { ensureSearchAttributes } from '../../client/temporal/namespace.ts';
import { startTemporal, type TemporalProcess } from './temporal-process.ts';
import { startCommand, type CommandProcess, type SignalPoint } from './worker-process.ts';

export interface KilledWorkers {
  readonly temporal: TemporalProcess;
  /** Starts one for the site of a config file, and waits until it serves. @param dying where it is killed, and the file that tells of it. */
  worker(file: string, dying?: { readonly point: SignalPoint; readonly reached: string }): Promise<CommandProcess>;
  /** Ends them all, and Temporal. */
  stop(): Promise<void>;
}

/** Everything lies in `folder`. */
export async function killedWorkers(folder: string): Promise<KilledWorkers> {
  const temporal = await startTemporal(folder);
  await ensureSearchAttributes({ connection: { address: temporal.address }, namespace: 'default', ui: null });
  const started: CommandProcess[] = [];
  return {
    temporal,
    async worker(file, dying) {
      const own = startCommand({ args: ['-c', file, 'worker'], owner: folder, ...dying });
      started.push(own);
      await own.printed('serves');
      return own;
    },
    async stop() {
      for (const one of started) if (one.running()) await one.end();
      await temporal.stop();
    },
  };
}
