/** Capture: tar archives, and beside it the inventory is written. */
import { rm } from 'node:fs/promises';
import type { FilesSource } from '../../../model/config/source.ts';
import { BackupError } from '../../../model/errors.ts';
import type { Warning } from '../../../model/manifest.ts';
import { programVersion } from '../../streams/versions.ts';
import type { CaptureContext, Captured } from '../types.ts';
import { archive } from './archive.ts';
import { decideKind } from './kind.ts';
import { writeLayout } from './layout.ts';
import { readMounts } from './mounts.ts';
import { select } from './selection.ts';
import { prepareSnapshot, snapshotFile, sweepSnapshots, syncSnapshot } from './snapshot.ts';
import { judge } from './warnings.ts';

/**
 * Archives the paths. Files that changed or could not be read are in the warnings, and the inventory marks them.
 * @throws BackupError `preflight-failed` when a mount came out empty, `program-failed` when tar failed as a whole.
 */
export async function capture(context: CaptureContext<FilesSource>): Promise<Captured> {
  const { config, state, attempt } = context;
  const selection = await select(context.source, config, await readMounts());
  const decision = await decideKind(config, state, context.newestChain);
  const parent = context.kind === 'incremental' ? decision.snapshot : null;
  if (context.kind === 'incremental' && parent === null) {
    throw new BackupError('failed', `an incremental was to be made, but ${decision.unexpected ?? 'a full is due'}`);
  }
  if (decision.newest !== null) await sweepSnapshots(state, [decision.newest]);
  try {
    const since = parent === null ? null : await prepareSnapshot(state, parent, attempt);
    const messages = await archive(context, selection, since);
    const { warnings, complete } = judge(messages, selection, config);
    await syncSnapshot(state, attempt);
    const early =
      decision.unexpected === null || context.kind === 'incremental' ? [] : [fullWarning(decision.unexpected)];
    return {
      consistency: 'fuzzy',
      engine: {
        tar: await programVersion('tar'),
        paths: config.paths,
        exclude: config.exclude,
        fileSystems: selection.fileSystems,
      },
      position: { snapshot: complete ? attempt : null },
      tools: { tar: await programVersion('tar'), find: await programVersion('find') },
      warnings: [...early, ...warnings],
      onSealed: async () => {
        await writeLayout(state, selection.fileSystems);
        await sweepSnapshots(state, complete ? [attempt] : []);
      },
    };
  } catch (error) {
    await rm(snapshotFile(state, attempt), { force: true });
    throw error;
  }
}

function fullWarning(reason: string): Warning {
  return { code: 'files.full', message: `This is a full, though none was due: ${reason}.`, partial: false };
}
