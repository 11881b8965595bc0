/**
 * The order of a source's logs: by what they hold, and not by when somebody sealed them. A worker's clock may be set
 * back, and what it seals then would count as older than what it follows: every shipping after it would tell of a hole.
 */
import type { Manifest } from '../../model/manifest.ts';
import { logsOf } from './index.ts';

interface Of {
  readonly manifest: Manifest;
}

/**
 * Logs in the order of their positions. Positions of two histories (another cluster, timeline or lineage) say nothing of
 * each other: of those the one comes last whose last logs were sealed last.
 */
export function inOrder<Each extends Of>(all: readonly Each[]): readonly Each[] {
  const histories = Map.groupBy(all, ({ manifest }) => placeOf(manifest).history);
  return [...histories.values()]
    .map((own) => own.toSorted(({ manifest: a }, { manifest: b }) => compare(a, b)))
    .toSorted((a, b) => sealed(a.at(-1)).localeCompare(sealed(b.at(-1))))
    .flat();
}

/** The last of them in that order. */
export function lastOf(all: readonly Manifest[]): Manifest | undefined {
  return inOrder(all.map((manifest) => ({ manifest }))).at(-1)?.manifest;
}

/** Records of an idle time lie where the logs before them end: among them the server's own clock decides. */
function compare(a: Manifest, b: Manifest): number {
  const [one, two] = [placeOf(a).end, placeOf(b).end];
  if (one !== two) return one < two ? -1 : 1;
  return (a.coversUntil ?? '').localeCompare(b.coversUntil ?? '') || a.finished.localeCompare(b.finished);
}

function sealed(of: Of | undefined): string {
  return of?.manifest.finished ?? '';
}

function placeOf(manifest: Manifest): { readonly history: string; readonly end: bigint } {
  return logsOf(manifest.type)?.placeOf(manifest) ?? { history: '', end: 0n };
}
