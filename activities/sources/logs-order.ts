/**
 * The order of a source's logs: by what they hold, and not by when somebody sealed them. A worker's clock may be set
 * back, and what it seals then would count as older than what it follows: every shipping after it would tell of a hole.
 */
import { orderOf, type Manifest } from '../../model/manifest.ts';
import { logsOf } from './index.ts';

interface Of {
  readonly manifest: Manifest;
}

interface Placed<Each extends Of> {
  readonly each: Each;
  readonly history: string;
  readonly end: bigint;
}

/**
 * Logs in the order of their positions. Positions of two histories (another cluster, timeline or lineage) say nothing of
 * each other: of those the one comes last whose last logs were sealed last.
 */
export function inOrder<Each extends Of>(all: readonly Each[]): readonly Each[] {
  const placed = all.map((each) => ({ each, ...placeOf(each.manifest) }));
  return [...Map.groupBy(placed, ({ history }) => history).values()]
    .map((own) => own.toSorted(compare))
    .toSorted((a, b) => sealed(a.at(-1)) - sealed(b.at(-1)))
    .flat()
    .map(({ each }) => each);
}

/** The last of them in that order. */
export function lastOf(all: readonly Manifest[]): Manifest | undefined {
  return inOrder(all.map((manifest) => ({ manifest }))).at(-1)?.manifest;
}

/** Records of an idle time lie where the logs before them end: among them the server's own clock decides. */
function compare(a: Placed<Of>, b: Placed<Of>): number {
  if (a.end !== b.end) return a.end < b.end ? -1 : 1;
  const [one, two] = [a.each.manifest, b.each.manifest];
  return (one.coversUntil ?? '').localeCompare(two.coversUntil ?? '') || orderOf(one) - orderOf(two);
}

function sealed(of: Placed<Of> | undefined): number {
  return of ? orderOf(of.each.manifest) : 0;
}

function placeOf(manifest: Manifest): { readonly history: string; readonly end: bigint } {
  return logsOf(manifest.type)?.placeOf(manifest) ?? { history: '', end: 0n };
}
