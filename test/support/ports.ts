/** Ports of a test's own. */
import { freePort, listens } from '../../infra/quickstart/sample/ports.ts';
import type { SiteInput } from '../../model/config/site.ts';

export { freePort, listens };

/** What a config says of an embedded Temporal. Where another test was quicker, the program takes other ports itself. */
export async function ownTemporal(): Promise<NonNullable<SiteInput['temporal']>> {
  return { embedded: { port: await freePort(), uiPort: await freePort() } };
}
