/** The key that this host signs with: a new one, and the end of one that was stolen. */
import path from 'node:path';
import { editConfig, itemsAdded, valueReplaced } from '../../activities/config/edit.ts';
import type { Environment } from '../../activities/config/interpolate.ts';
import { keyIdOf } from '../../activities/keys/signing.ts';
import { ownSigner } from '../../activities/keys/site-keys.ts';
import type { Site } from '../../activities/site.ts';
import { BackupError } from '../../model/errors.ts';
import { writeSigningKey } from '../init/keys.ts';

export interface NewSigning {
  readonly file: string;
  readonly publicKey: string;
  /** Null where there was none that could be read. */
  readonly before: string | null;
}

/**
 * The file of the key that this host signs with, where it can be replaced from here.
 * @throws BackupError `refused` where the config does not name the key by a file.
 */
export function replaceableKey({ config, file }: Site): string {
  const { key } = config.signing;
  if (key !== undefined && 'file' in key) return key.file;
  throw new BackupError(
    'refused',
    `${file} names no file as signing.key, so it cannot be replaced from here. Nothing was changed.`,
    {
      remedy:
        'Make a new key (`openssl genpkey -algorithm ed25519`), put it where the old one comes from, and add its public key to signing.trusted beside the old one: doctor prints it.',
    },
  );
}

/**
 * Makes a new signing key beside the old one, and has the config use it and trust both. What the old one signed stays good.
 * A kill before the config is written leaves a key file that nobody uses.
 * @throws BackupError as `replaceableKey`.
 */
export async function rotateSigning(site: Site, env: Environment): Promise<NewSigning> {
  const own = replaceableKey(site);
  const before = (await ownSigner(site).catch(() => undefined))?.publicKey ?? null;
  const { file, publicKey } = await writeBeside(own);
  const { trusted } = site.config.signing;
  const added = [before, publicKey].filter((each) => each !== null).filter((each) => !trusted.includes(each));
  await editConfig({
    file: site.file,
    env,
    edits: (editing) => [
      valueReplaced(editing, ['signing', 'key', 'file'], file),
      itemsAdded(editing, ['signing', 'trusted'], added),
    ],
    wanted: ({ signing }) =>
      signing.key !== undefined &&
      'file' in signing.key &&
      signing.key.file === file &&
      [...trusted, ...added].every((each) => signing.trusted.includes(each)),
  });
  return { file, publicKey, before };
}

/** `signing.pem` → `signing-20261123.pem`, with a number where that is taken. */
async function writeBeside(file: string): Promise<{ readonly file: string; readonly publicKey: string }> {
  const { dir, name, ext } = path.parse(file);
  const stem = name.replace(/-\d{8}(?:-\d+)?$/, '');
  const day = new Date().toISOString().slice(0, 10).replaceAll('-', '');
  for (let count = 1; ; count++) {
    const fresh = path.join(dir, `${stem}-${day}${count === 1 ? '' : `-${count}`}${ext}`);
    try {
      return { file: fresh, publicKey: await writeSigningKey(fresh) };
    } catch (error) {
      if (!(error instanceof BackupError) || error.code !== 'conflict' || count > 99) throw error;
    }
  }
}

export interface Revoking {
  readonly site: Site;
  readonly env: Environment;
  /** Its name (16 hex digits), or the key itself. */
  readonly key: string;
  /** RFC 3339; what it signed before is believed still. */
  readonly since: string | undefined;
}

export interface Revoked {
  readonly keyId: string;
  readonly publicKey: string;
  readonly since: string | null;
  /** It was this host's own: it makes no backup until it has a new one. */
  readonly own: boolean;
}

/** @throws BackupError `not-found` for a key that the config does not know, `conflict` for one that is revoked already. */
export async function revokeSigning({ site, env, key, since }: Revoking): Promise<Revoked> {
  const own = (await ownSigner(site).catch(() => undefined))?.publicKey;
  const { trusted, revoked } = site.config.signing;
  const known = [...new Set([...trusted, ...(own === undefined ? [] : [own])])];
  const publicKey = known.find((each) => each === key || keyIdOf(each) === key);
  if (revoked.some((each) => each.key === key || keyIdOf(each.key) === key)) {
    throw new BackupError('conflict', `${key} is revoked already. Nothing was changed.`, {
      remedy: `Change its "since" by hand in ${site.file}, under signing.revoked.`,
    });
  }
  if (publicKey === undefined) {
    throw new BackupError('not-found', `${site.file} trusts no key "${key}".`, {
      remedy: `It trusts: ${known.map((each) => `${keyIdOf(each)} (${each})`).join(', ')}.`,
    });
  }
  const entry = since === undefined ? `{ key: ${publicKey} }` : `{ key: ${publicKey}, since: ${since} }`;
  await editConfig({
    file: site.file,
    env,
    edits: (editing) => [itemsAdded(editing, ['signing', 'revoked'], [entry])],
    wanted: ({ signing }) => signing.revoked.some((each) => each.key === publicKey && each.since === since),
  });
  return { keyId: keyIdOf(publicKey), publicKey, since: since ?? null, own: publicKey === own };
}
