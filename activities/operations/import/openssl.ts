/**
 * The old way to encrypt an archive: `openssl enc -aes-256-cbc -salt`. How the key is made of the password differs by version and
 * options and stands nowhere in the file, so each is tried on its first block, which is that of a gzip file or is not.
 */
import { createDecipheriv, createHash, pbkdf2Sync } from 'node:crypto';
import { open } from 'node:fs/promises';
import { BackupError } from '../../../model/errors.ts';
import type { Program } from '../../streams/types.ts';
import { translated } from '../../storage/fs-errors.ts';

/** How the key was made of the password. */
export interface Derivation {
  readonly digest: 'md5' | 'sha1' | 'sha256' | 'sha512';
  /** Of PBKDF2; null for the older way, one round of the digest. */
  readonly iterations: number | null;
  /** Written as text (`-a`). */
  readonly base64: boolean;
}

/** What `openssl enc` writes before the salt. */
const MAGIC = Buffer.from('Salted__');
const [KEY, BLOCK] = [32, 16];
/** openssl's own number for -pbkdf2. */
export const DEFAULT_ITERATIONS = 10_000;
/** Newest first: 1.1 and later, 1.0 and earlier, and what people have chosen. */
const DIGESTS = ['sha256', 'md5', 'sha512', 'sha1'] as const;

/**
 * Finds how a file was encrypted.
 * @param iterations of PBKDF2, where `-iter` was given.
 * @throws BackupError `verification-failed` where the password opens it in no way, `refused` for a file of another kind.
 */
export async function findDerivation(file: string, password: string, iterations: number): Promise<Derivation> {
  const { salt, block, base64 } = headOf(await firstBytes(file), file);
  for (const rounds of [null, iterations]) {
    for (const digest of DIGESTS) {
      const derived = derive({ digest, iterations: rounds, base64 }, password, salt);
      if (isGzip(firstBlock(derived, block))) return { digest, iterations: rounds, base64 };
    }
  }
  throw new BackupError(
    'verification-failed',
    `${file} does not open with this password to a gzip file. Nothing was taken in.`,
    {
      remedy:
        'Try the command that it was made with: openssl enc -d -aes-256-cbc … | gzip -t. Where -iter was given, give it here too; only tar.gz inside, encrypted by aes-256-cbc with a salt, is taken.',
      facts: { file },
    },
  );
}

/** Decrypts a file to stdout; the password goes through a pipe. */
export function decryption(file: string, password: string, { digest, iterations, base64 }: Derivation): Program {
  return {
    command: 'openssl',
    args: [
      'enc',
      '-d',
      '-aes-256-cbc',
      '-md',
      digest,
      ...(iterations === null ? [] : ['-pbkdf2', '-iter', String(iterations)]),
      ...(base64 ? ['-a'] : []),
      '-in',
      file,
      '-pass',
      'fd:3',
    ],
    inputs: [`${password}\n`],
  };
}

interface Head {
  readonly salt: Buffer;
  readonly block: Buffer;
  readonly base64: boolean;
}

function headOf(bytes: Buffer, file: string): Head {
  const text = bytes.toString('latin1');
  // "Salted__" in base64 begins so.
  const base64 = text.startsWith('U2FsdGVkX1');
  const raw = base64 ? Buffer.from(text.replaceAll(/\s/g, '').slice(0, 64), 'base64') : bytes;
  if (raw.subarray(0, MAGIC.length).equals(MAGIC) && raw.length >= MAGIC.length + 8 + BLOCK) {
    const start = MAGIC.length + 8;
    return { salt: raw.subarray(MAGIC.length, start), block: raw.subarray(start, start + BLOCK), base64 };
  }
  throw new BackupError('refused', `${file} is nothing that "openssl enc -salt" wrote. Nothing was taken in.`, {
    remedy: 'Take in what was made by: openssl enc -aes-256-cbc -salt -in FILE.tar.gz -out FILE.tar.gz.enc',
    facts: { file },
  });
}

function derive({ digest, iterations }: Derivation, password: string, salt: Buffer): Buffer {
  if (iterations !== null) return pbkdf2Sync(password, salt, iterations, KEY + BLOCK, digest);
  // EVP_BytesToKey with a count of 1: each piece is the digest of the one before, the password and the salt.
  const pieces: Buffer[] = [];
  while (pieces.reduce((sum, { length }) => sum + length, 0) < KEY + BLOCK) {
    pieces.push(
      createHash(digest)
        .update(pieces.at(-1) ?? '')
        .update(password)
        .update(salt)
        .digest(),
    );
  }
  return Buffer.concat(pieces).subarray(0, KEY + BLOCK);
}

function firstBlock(derived: Buffer, block: Buffer): Buffer {
  const decipher = createDecipheriv('aes-256-cbc', derived.subarray(0, KEY), derived.subarray(KEY)).setAutoPadding(
    false,
  );
  return Buffer.concat([decipher.update(block), decipher.final()]);
}

/** Magic, the one method there is, and no flag that has no meaning: RFC 1952. By chance once in 134 million. */
function isGzip(bytes: Buffer): boolean {
  return bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 8 && ((bytes[3] ?? 0xff) & 0xe0) === 0;
}

async function firstBytes(file: string): Promise<Buffer> {
  return translated(file, 'reading the archive', async () => {
    const handle = await open(file, 'r').catch((error: unknown) => {
      throw error instanceof Error && 'code' in error && error.code === 'ENOENT'
        ? new BackupError('not-found', `${file} does not exist.`, {
            remedy: 'Name the archive that is to be taken in.',
          })
        : error;
    });
    try {
      if (!(await handle.stat()).isFile())
        throw new BackupError('refused', `${file} is no file. Nothing was taken in.`, {
          remedy: 'Name the archive itself.',
          facts: { file },
        });
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(256), 0, 256, 0);
      return buffer.subarray(0, bytesRead);
    } finally {
      await handle.close();
    }
  });
}
