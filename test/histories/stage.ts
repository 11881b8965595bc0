/** What histories are recorded on: a Temporal server, and whatever a scene plays on it. */
import { execa } from 'execa';
import { hostname } from 'node:os';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureSearchAttributes } from '../../client/temporal/namespace.ts';
import { temporalProgram } from '../../client/temporal/program.ts';
import { temporaryFolder } from '../support/folders.ts';
import { startTemporal, type TemporalProcess } from '../support/temporal-process.ts';
import { plainHistory } from './plain.ts';
import { RECORDED } from './recorded.ts';

export interface Stage {
  readonly temporal: TemporalProcess;
  /** A folder of the scene's own: it is called `/srv/prod` in what is kept. */
  readonly folder: () => Promise<string>;
  /** Keeps the history of a workflow that has ended, as `<type>.<tells>.json`. */
  readonly keep: (kept: Kept) => Promise<void>;
  readonly stop: () => Promise<void>;
}

export interface Kept {
  /** Of the workflow. */
  readonly type: string;
  readonly tells: string;
  readonly id: string;
  /** Which of several that bear the id; the newest when absent. */
  readonly runId?: string;
}

/** One part of what is recorded. It ends all that it has started. */
export interface Scene {
  readonly name: string;
  readonly play: (stage: Stage) => Promise<void>;
}

/** Nothing of the user's own settings. */
const ALONE = ['--disable-config-env', '--disable-config-file'];
const ROOT = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

export async function openStage(): Promise<Stage> {
  const temporal = await startTemporal(await temporaryFolder());
  await ensureSearchAttributes({ connection: { address: temporal.address }, namespace: 'default', ui: null });
  const folders: string[] = [];
  return {
    temporal,
    async folder() {
      const folder = await temporaryFolder();
      folders.push(folder);
      return folder;
    },
    async keep({ type, tells, id, runId }) {
      const which = ['--workflow-id', id, ...(runId === undefined ? [] : ['--run-id', runId])];
      const show = ['workflow', 'show', ...which, '--output', 'json', '--no-json-shorthand-payloads'];
      const { stdout } = await execa(await temporalProgram(), [...show, '--address', temporal.address, ...ALONE]);
      const replacements = [
        ...folders.map((folder) => [folder, '/srv/prod'] as const),
        [ROOT, '/opt/mosaic-backup'] as const,
        [hostname(), 'stack1'] as const,
      ];
      await writeFile(path.join(RECORDED, `${type}.${tells}.json`), plainHistory(stdout, replacements));
    },
    stop: () => temporal.stop(),
  };
}
