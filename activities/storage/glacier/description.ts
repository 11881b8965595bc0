/** What an archive is described by in its vault: the one thing there that says what it is. */
import { archiveDescription, type ArchiveDescription } from '../../../model/archive-record.ts';
import { BackupError } from '../../../model/errors.ts';

/** What Glacier takes, in printable ASCII. */
const LONGEST = 1024;

/** @throws BackupError `refused` where it would be longer than Glacier takes. */
export function formatDescription({ site, key, sha256 }: ArchiveDescription): string {
  const text = JSON.stringify({ site, key, sha256 }).replaceAll(
    /[^ -~]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  if (text.length <= LONGEST) return text;
  throw new BackupError(
    'refused',
    `${key} is too long a name for a vault: the description of its archive would be cut.`,
    {
      remedy: 'Give the source a shorter name.',
      facts: { key },
    },
  );
}

/** Undefined for what is none of ours. */
export function parseDescription(text: string): ArchiveDescription | undefined {
  try {
    return archiveDescription.safeParse(JSON.parse(text)).data;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
