/** Marks a place, and stops itself when a file is made and nothing is written to it yet: whoever is killed there leaves it empty. */
import { open } from 'node:fs/promises';
import { requirePlace, type Place } from '../../../activities/storage/place.ts';

const { place } = JSON.parse(process.argv[2] ?? '') as { readonly place: Place }; // written by the test beside
const handle = await open('/dev/null', 'r');
Object.defineProperty(Object.getPrototypeOf(handle), 'writeFile', {
  value() {
    process.kill(process.pid, 'SIGSTOP');
    return Promise.reject(new Error('it was to be killed'));
  },
});
await handle.close();
await requirePlace(place, 'write');
