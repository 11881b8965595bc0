/** What the folder of a drill is called in its scratch folder. */

/** Short: sockets lie in it, whose paths have 107 bytes at most. */
const PREFIX = 'mosaic-drill-';

/** What follows: a run's time without its punctuation. The name of a longer site has a `-` there. */
const TIME = /^[0-9TZ]+$/;

/** `mosaic-drill-prod-20261123T090000Z`. */
export function sandboxName(site: string, runId: string): string {
  return `${prefixOf(site)}${runId.replaceAll(/[^0-9TZ]/g, '')}`;
}

/** Whether a folder is that of a drill of the site, and of no other whose name begins as its own. */
export function isSandboxOf(site: string, name: string): boolean {
  const prefix = prefixOf(site);
  return name.startsWith(prefix) && TIME.test(name.slice(prefix.length));
}

function prefixOf(site: string): string {
  return `${PREFIX}${site}-`;
}
