/** A restore in place, or its way back, in a process of its own, to be killed: `node in-child.ts CONFIG restore|undo`. */
import { loadSite } from '../../../../activities/config/load.ts';
import { planInPlace, restoreInPlace, undoInPlace } from '../../../../activities/operations/in-place/index.ts';
import { requestOf } from './requests.ts';

const [, , file = '', what = ''] = process.argv;
const request = await requestOf(await loadSite({ file, env: process.env }), {});
if (what === 'undo') await undoInPlace(request);
else await restoreInPlace(request, await planInPlace(request));
