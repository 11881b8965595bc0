/** Ports of a test's own. */
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { SiteInput } from '../../model/config/site.ts';

/** One of the loopback interface that nobody listens on now. */
export async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  listener.close();
  await once(listener, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

/** What a config says of an embedded Temporal. Where another test was quicker, the program takes other ports itself. */
export async function ownTemporal(): Promise<NonNullable<SiteInput['temporal']>> {
  return { embedded: { port: await freePort(), uiPort: await freePort() } };
}
