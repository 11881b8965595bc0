/** Capture: tar archives, and beside it the inventory is written. */
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
import { prepareSnapshot, syncSnapshot } from './snapshot.ts';
import { dropAttempt, sweepState } from './state.ts';
import { judge } from './warnings.ts';

/**
 * Archives the paths. Files that changed or could not be read are in the warnings, and the inventory marks them.
 * @throws BackupError `preflight-failed` when a mount came out empty, `program-failed` when tar failed as a whole.
 */
export async function capture(context: CaptureContext<FilesSource>): Promise<Captured> {
  const { config, state, attempt } = context;
  const selection = await select(context.source, config, await readMounts());
  const decision = await decideKind(config, state, context.newestChain);
  const incremental = context.kind === 'incremental';
  const parent = decision.tokens.at(-1);
  if (incremental && (decision.kind === 'full' || parent === undefined)) {
    throw new BackupError('failed', `an incremental was to be made, but ${decision.unexpected ?? 'a full is due'}`);
  }
  if (context.newestChain.length > 0) await sweepState(state, decision.tokens);
  try {
    const base =
      incremental && parent !== undefined
        ? { tokens: decision.tokens, snapshot: await prepareSnapshot(state, parent, attempt) }
        : undefined;
    const messages = await archive(context, selection, base);
    const { warnings, complete } = judge(messages, selection, config);
    await syncSnapshot(state, attempt);
    const early = decision.unexpected === null || incremental ? [] : [fullWarning(decision.unexpected)];
    return {
      consistency: 'fuzzy',
      engine: {
        tar: await programVersion('tar'),
        paths: config.paths,
        exclude: config.exclude,
        fileSystems: selection.fileSystems,
      },
      position: { snapshot: complete ? attempt : null },
      tools: { tar: await programVersion('tar') },
      warnings: [...early, ...warnings],
      onSealed: async () => {
        await writeLayout(state, selection.fileSystems);
        await sweepState(state, complete ? [...(base?.tokens ?? []), attempt] : []);
      },
    };
  } catch (error) {
    await dropAttempt(state, attempt);
    throw error;
  }
}

function fullWarning(reason: string): Warning {
  return { code: 'files.full', message: `This is a full, though none was due: ${reason}.`, partial: false };
}
