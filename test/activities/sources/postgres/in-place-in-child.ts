/** A restore in place in a process of its own, to be killed: `node in-place-in-child.ts CONFIG TARGET`. */
import { loadSite } from '../../../../activities/config/load.ts';
import { planInPlace, restoreInPlace } from '../../../../activities/operations/in-place/index.ts';
import { requestOf } from './in-place.ts';

const [, , file = '', at = ''] = process.argv;
const request = await requestOf(await loadSite({ file, env: process.env }), { at });
await restoreInPlace(request, await planInPlace(request));
