/**
 * A restore of keys into a running server in a process of its own, to be killed: `node keys-in-child.ts CONFIG NOTE
 * REQUEST`. What it notes is in the file NOTE.
 */
import { writeFile } from 'node:fs/promises';
import { loadSite } from '../../../../activities/config/load.ts';
import { restoreKeys, type SaidOfKeys } from './keys-attempts.ts';

const [, , file = '', note = '', said = ''] = process.argv;
const request: SaidOfKeys = JSON.parse(said);
const onMoved = (found: object) => writeFile(note, JSON.stringify(found));
await restoreKeys(await loadSite({ file, env: process.env }), { ...request, onMoved });
