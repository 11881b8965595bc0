/** The manifest of a multi-part append-only file: which files make it up, in the order in which they are loaded. */
import { BackupError } from '../../../model/errors.ts';

export interface ManifestEntry {
  readonly name: string;
  readonly seq: number;
  readonly type: 'base' | 'incr';
  /** As it stands in the manifest. */
  readonly line: string;
}

const LINE = /^file (?:"([^"\\]+)"|([^\s"]+)) seq (\d+) type ([bih])$/;

/**
 * Base and increments. What was replaced (`h`) is left out: the server only lists it until it has removed it, and loads
 * none of it.
 * @throws BackupError `failed` for a manifest that is not one.
 */
export function parseManifest(text: string): readonly ManifestEntry[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return lines.flatMap((line) => {
    const [, quoted, plain, seq, type] = LINE.exec(line.trim()) ?? [];
    const name = quoted ?? plain;
    if (name === undefined || name.includes('/') || seq === undefined) throw notOne(line);
    if (type === 'h') return [];
    return [{ name, seq: Number(seq), type: type === 'b' ? ('base' as const) : ('incr' as const), line: line.trim() }];
  });
}

/** A new entry, its name quoted as the server does where it must be. */
export function manifestEntry(name: string, seq: number, type: ManifestEntry['type']): ManifestEntry {
  const word = /^[\w.-]+$/.test(name) ? name : `"${escaped(name)}"`;
  return { name, seq, type, line: `file ${word} seq ${seq} type ${type === 'base' ? 'b' : 'i'}` };
}

/** A manifest is read line by line, so a line break in a name must not be one in it. */
function escaped(name: string): string {
  return Buffer.from(name)
    .toString('latin1')
    .replaceAll(/[\\"]|[^ -~]/g, (character) =>
      /[\\"]/.test(character) ? `\\${character}` : `\\x${Buffer.from(character, 'latin1').toString('hex')}`,
    );
}

/** The text of a manifest, with its line break at the end. */
export function formatManifest(entries: readonly ManifestEntry[]): string {
  return entries.map(({ line }) => `${line}\n`).join('');
}

function notOne(line: string): BackupError {
  return new BackupError('failed', `The manifest of the append-only file has a line that is not known: ${line}`, {
    remedy: 'Choose method: stream for this server.',
  });
}
