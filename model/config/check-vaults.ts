/** A vault keeps its manifests at another destination, where they can be read at once and at any time. */
import type { Draft } from './draft.ts';
import type { ConfigProblem } from './problem.ts';

export function checkVaults({ destinations }: Draft): readonly ConfigProblem[] {
  const fit = Object.entries(destinations)
    .filter(([, { type, removable }]) => type !== 'glacier' && removable !== true)
    .map(([name]) => name);
  const remedy =
    fit.length > 0
      ? `Name one of: ${fit.join(', ')}.`
      : 'Add a destination of type s3, rsync or directory, and name it here.';
  return Object.entries(destinations).flatMap(([name, { type, manifests }]) => {
    if (type !== 'glacier' || manifests === undefined) return [];
    const message = problemOf(manifests, destinations[manifests]);
    return message === null ? [] : [{ path: ['destinations', name, 'manifests'], at: 'value', message, remedy }];
  });
}

function problemOf(name: string, named: Draft['destinations'][string] | undefined): string | null {
  if (named === undefined) return `there is no destination "${name}"`;
  if (named.type === 'glacier') return `"${name}" is a vault itself: nothing in it can be read at once`;
  if (named.removable === true) return `"${name}" is a disk that is sometimes absent: nothing could be listed then`;
  return null;
}
