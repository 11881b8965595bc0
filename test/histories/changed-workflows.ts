/** One more activity before the capture: a change that runs which go on cannot take, and the same as it is to be made. */
import type { TextChange } from './changed.ts';

const FILE = 'workflows/backup-source.ts';
const CAPTURE = 'const summary = `capture ${source} (${step.tier})`;';
const ONE_MORE = `await reachHost(site, host)(60_000);`;
const IMPORTED = `} from '@temporalio/workflow';`;

export const INCOMPATIBLE: readonly TextChange[] = [
  { file: FILE, found: CAPTURE, written: `${ONE_MORE}\n    ${CAPTURE}` },
];

export const PATCHED: readonly TextChange[] = [
  { file: FILE, found: CAPTURE, written: `if (patched('one-step-more')) ${ONE_MORE}\n    ${CAPTURE}` },
  { file: FILE, found: IMPORTED, written: `  patched,\n${IMPORTED}` },
];
