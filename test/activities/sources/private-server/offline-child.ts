/** A worker that has started a private server, says what became of it, and waits to be killed. */
import { offlineWay } from '../../../../activities/sources/private-server/offline.ts';
import { startProcess } from '../../../../activities/sources/private-server/process.ts';
import { serverUserOf } from '../../../../activities/sources/private-server/user.ts';

const [log = ''] = process.argv.slice(2);
const user = await serverUserOf('test', ['nobody']);
const command = ['sleep', '1000'] as const;
const { pid } = await startProcess({
  command: [...command],
  user,
  log,
  deathSignal: 'KILL',
  enclosed: { writable: [] },
});
console.log(JSON.stringify({ way: await offlineWay(user), pid, uid: user?.uid ?? process.getuid?.() }));
setInterval(() => undefined, 60_000);
