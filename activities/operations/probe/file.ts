/** Probes of a file: whether it is there, and what is in it. */
import { constants } from 'node:fs';
import { lstat, open } from 'node:fs/promises';
import type { FileProbe } from '../../../model/config/probe.ts';
import { ifThere } from '../../storage/fs-errors.ts';
import { fileStream } from '../../streams/blocks-of.ts';
import { digestOf } from '../../streams/digest.ts';
import { right, wrong, type ProbeContext, type Seen } from './types.ts';
import { withinRestored } from './within.ts';

export async function lookAtFile(
  { file, exists, sha256, contains }: FileProbe,
  { restored, work }: Pick<ProbeContext, 'restored' | 'work'>,
): Promise<Seen> {
  const place = await withinRestored(restored, file);
  const found = place === undefined ? undefined : await ifThere(lstat(place));
  if (!exists) return found ? wrong('it is there') : right('it is not there');
  if (place === undefined || !found) return wrong('it is not there');
  if (sha256 === undefined && contains === undefined)
    return right(found.isFile() ? `${found.size} bytes` : 'it is there');
  if (!found.isFile()) return wrong('it is no file that could be read');

  const looking = lookFor(contains ?? '');
  // Whatever it has become since: nothing that one could wait at, and no link.
  const handle = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const digest = await digestOf(fileStream(place, handle), work, `reading ${file}`, looking.add);
  if (sha256 !== undefined && digest.sha256 !== sha256) return wrong(`its SHA-256 is ${digest.sha256}`);
  if (!looking.found()) return wrong(`${digest.bytes} bytes, and what is looked for is not in them`);
  return right(`${digest.bytes} bytes, as they should be`);
}

/** A text in blocks that may part it anywhere. */
function lookFor(text: string): { readonly add: (block: Uint8Array) => void; readonly found: () => boolean } {
  const wanted = Buffer.from(text);
  let found = wanted.length === 0;
  let before = Buffer.alloc(0);
  return {
    add(block) {
      if (found) return;
      const seen = Buffer.concat([before, block]);
      found = seen.includes(wanted);
      before = seen.subarray(Math.max(0, seen.length - wanted.length + 1));
    },
    found: () => found,
  };
}
