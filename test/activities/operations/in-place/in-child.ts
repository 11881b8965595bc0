/**
 * A restore in place, with the full behind it or without, or its way back, in a process of its own, to be killed:
 * `node in-child.ts CONFIG restore|restore-and-back-up|undo`.
 */
import { loadSite } from '../../../../activities/config/load.ts';
import {
  backUpAgain,
  planInPlace,
  restoreInPlace,
  undoInPlace,
} from '../../../../activities/operations/in-place/index.ts';
import { requestOf } from './requests.ts';

const [, , file = '', what = ''] = process.argv;
const request = await requestOf(await loadSite({ file, env: process.env }), {});
if (what === 'undo') await undoInPlace(request);
else await restoreInPlace(request, await planInPlace(request));
if (what === 'restore-and-back-up') await backUpAgain(request);
