/**
 * A restored set of append-only files, whole. Its last file was growing when it was held, so it may end in the middle
 * of a command: of that command nobody had an answer yet. It is cut there, as the server itself does at a start
 * (aof-load-truncated); anything else that is wrong is damage.
 */
import { open, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { BackupError } from '../../../model/errors.ts';
import type { Work } from '../../work.ts';
import { parseManifest } from './aof-manifest.ts';
import { requireSound, unsound } from './sound.ts';
import { runTool, type Tool } from './tools.ts';

/**
 * The longest end of a command or transaction that is cut. The server writes what it has gathered in one call; a cut
 * inside of that loses at most so much.
 */
const LONGEST_END = 64 * 2 ** 20;

/** @throws BackupError `verification-failed`. */
export async function requireWholeSet(program: Tool, manifest: string, work: Work): Promise<void> {
  const verdict = await runTool(program, [manifest], work);
  if (verdict.ok) return;
  const last = parseManifest(await readFile(manifest, 'utf8')).at(-1);
  const [, name, size, ok] =
    /filename=(.*), size=(\d+), ok_up_to=(\d+),[^\n]*\nAOF .* is not valid/.exec(verdict.output) ?? [];
  const file = path.join(path.dirname(manifest), last?.name ?? '');
  const torn = Number(size) - Number(ok);
  const isTorn =
    last?.type === 'incr' && name === last.name && torn <= LONGEST_END && (await endsInside(file, Number(ok)));
  if (!isTorn) throw unsound(program, manifest, verdict);
  work.log.warn({ file: last.name, bytes: torn }, 'the append-only file ends inside a command, which is cut off');
  const fixed = await runTool(program, ['--fix', manifest], work, 'y\n');
  if (!fixed.ok) throw unsound(program, manifest, fixed);
  await requireSound(program, manifest, work);
  if ((await stat(file)).size === Number(ok)) return;
  throw new BackupError('verification-failed', `${last.name} was cut at another place than was found to be its end.`);
}

/** Whether what follows a place is the beginning of commands only, and nothing else: a cut, no damage. */
async function endsInside(file: string, place: number): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - place), 0, size - place, place);
    return isBeginning(buffer.subarray(0, bytesRead));
  } finally {
    await handle.close();
  }
}

/** Commands as the protocol has them, `*2\r\n$3\r\nGET\r\n$1\r\na\r\n`, of which the last may lack its end. */
export function isBeginning(bytes: Uint8Array): boolean {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  /** The number of a line `<mark><number>\r\n`; null where it is cut off; undefined where it is no such line. */
  function number(mark: string): number | null | undefined {
    const end = text.indexOf('\r\n', at);
    const line = text.subarray(at, end < 0 ? undefined : end).toString('latin1');
    if (end < 0) return new RegExp(`^(?:\\${mark}\\d{0,19}\\r?)?$`).test(line) ? null : undefined;
    if (!new RegExp(`^\\${mark}\\d{1,19}$`).test(line)) return undefined;
    at = end + 2;
    return Number(line.slice(1));
  }
  while (at < text.length) {
    if (text[at] === 0x23) {
      // A timestamp.
      const end = text.indexOf('\r\n', at);
      if (end < 0) return /^#T?S?:?\d*\r?$/.test(text.subarray(at).toString('latin1'));
      at = end + 2;
      continue;
    }
    const words = number('*');
    if (words === null) return true;
    if (words === undefined) return false;
    for (let word = 0; word < words; word += 1) {
      const length = number('$');
      if (length === null) return true;
      if (length === undefined) return false;
      const after = text.subarray(at + length, at + length + 2).toString('latin1');
      if (at + length + 2 > text.length) return at + length >= text.length || after === '\r';
      if (after !== '\r\n') return false;
      at += length + 2;
    }
  }
  return true;
}
