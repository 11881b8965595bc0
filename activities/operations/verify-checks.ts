/** What can be said of a stored backup without decrypting more of it than its key. */
import { BackupError } from '../../model/errors.ts';
import type { Check } from '../../model/evidence.ts';
import { sizes } from '../../model/manifest.ts';
import type { Artifact, Manifest } from '../../model/manifest.ts';
import { isFolderOf, KEY_FILE, MANIFEST } from '../../model/paths.ts';
import { formatReference } from '../../model/reference.ts';
import { formatBytes } from '../../model/units.ts';
import { opensHeader } from '../keys/header.ts';
import { identityLines, recipientOf, unwrapIdentity } from '../keys/identity.ts';
import type { TrustedKey } from '../keys/signing.ts';
import { siteIdentity } from '../keys/site-keys.ts';
import type { Site } from '../site.ts';
import { chainOf, type Catalogued } from '../storage/catalogue.ts';
import { manifestDigest, manifestVerdict, parseManifest, readableManifest } from '../storage/manifest-file.ts';
import type { Store } from '../storage/types.ts';
import type { Work } from '../work.ts';

export interface StoredChecksRequest {
  readonly site: Site;
  readonly store: Store;
  readonly backup: Catalogued;
  readonly catalogue: readonly Catalogued[];
  readonly trusted: readonly TrustedKey[];
  readonly work: Work;
}

/** Every check of what is stored; all of them are made, so that one look tells everything. */
export async function storedChecks(request: StoredChecksRequest): Promise<readonly Check[]> {
  const { store, backup, work } = request;
  work.progress({ phase: 'verifying', bytes: 0, total: sizes(backup.manifest).stored, activity: 0 });
  const { check, manifest } = await manifestCheck(store, backup);
  if (manifest === undefined) return [check];
  return [
    check,
    folderCheck(backup.folder, manifest),
    signatureCheck(manifest, request.trusted),
    ...(await artifactChecks(request, manifest)),
    await keyCheck(request, manifest),
    await opensCheck(request, manifest),
    await nothingElseCheck(store, backup.folder, manifest),
    parentCheck(request, manifest),
  ];
}

/** The manifest is read again: what the catalogue knew may be old. */
async function manifestCheck(
  store: Store,
  backup: Catalogued,
): Promise<{ readonly check: Check; readonly manifest?: Manifest }> {
  const bytes = await smallAt(store, `${backup.folder}/${MANIFEST}`);
  if (bytes instanceof BackupError) return { check: bad('manifest', bytes.message) };
  if (bytes === undefined) return { check: bad('manifest', `${MANIFEST} is not there`) };
  try {
    const manifest = parseManifest(bytes);
    const same = manifestDigest(manifest) === manifestDigest(backup.manifest);
    if (!same)
      return { check: bad('manifest', 'it is not the one that was asked for: its signed form differs'), manifest };
    return {
      check: good('manifest', `${manifest.artifacts.length} artifacts, ${formatBytes(sizes(manifest).stored)}`),
      manifest,
    };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return { check: bad('manifest', error.message) };
  }
}

function folderCheck(folder: string, manifest: Manifest): Check {
  if (isFolderOf(folder, manifest)) return good('folder', folder);
  return bad('folder', `it is in ${folder}, but says that it is ${formatReference(manifest)}`);
}

function signatureCheck(manifest: Manifest, trusted: readonly TrustedKey[]): Check {
  const { keyId } = manifest.signature;
  if (trusted.length === 0)
    return unseen('signature', 'not compared: no signing key is trusted here (signing.trusted)');
  const verdict = manifestVerdict(manifest, trusted);
  if (verdict === 'good') return good('signature', `by ${keyId}`);
  if (verdict === 'revoked')
    return bad(
      'signature',
      `by ${keyId}, which was revoked (signing.revoked): whoever has that key could have made it`,
    );
  if (verdict === 'foreign') return bad('signature', `by ${keyId}, which is not trusted here`);
  return bad('signature', `not over this manifest: it was changed after ${keyId} had signed it`);
}

async function artifactChecks(
  { store, backup, work }: StoredChecksRequest,
  manifest: Manifest,
): Promise<readonly Check[]> {
  const total = sizes(manifest).stored;
  const checks: Check[] = [];
  let before = 0;
  for (const artifact of manifest.artifacts) {
    const start = before;
    const shifted: Work = {
      ...work,
      progress: (report) => work.progress({ ...report, phase: 'verifying', bytes: start + report.bytes, total }),
    };
    checks.push(await artifactCheck(store, backup.folder, artifact, shifted));
    before += artifact.bytes;
  }
  return checks;
}

async function artifactCheck(store: Store, folder: string, artifact: Artifact, work: Work): Promise<Check> {
  const { name, bytes, sha256 } = artifact;
  try {
    const found = await store.digest(`${folder}/${name}`, work);
    if (found === undefined) return bad(name, 'it is not there');
    if (found.bytes !== bytes) return bad(name, `it has ${found.bytes} bytes, not ${bytes}`);
    if (found.sha256 !== sha256)
      return bad(name, `its ${formatBytes(bytes)} are not those that were captured (SHA-256 ${found.sha256})`);
    return good(name, `${formatBytes(bytes)}, digest right`);
  } catch (error) {
    // `failed` is what the device itself reports: the bytes cannot be had back, which is a verdict.
    if (error instanceof BackupError && error.code === 'failed') return bad(name, error.message);
    if (error instanceof BackupError && error.code === 'frozen') return frozenCheck(store, folder, artifact);
    throw error;
  }
}

/** Of what lies frozen only its size can be told, by the listing. */
async function frozenCheck(store: Store, folder: string, { name, bytes }: Artifact): Promise<Check> {
  for await (const object of store.list(folder)) {
    if (object.key !== `${folder}/${name}`) continue;
    return object.bytes === bytes ? unseen(name, FROZEN) : bad(name, `it has ${object.bytes} bytes, not ${bytes}`);
  }
  return bad(name, 'it is not there');
}

const FROZEN = 'not read: it lies frozen in cold storage';

/** The artifacts that could not be read, since they lie frozen. */
export function frozenIn(checks: readonly Check[]): readonly string[] {
  return checks.filter(({ compared, detail }) => !compared && detail === FROZEN).map(({ name }) => name);
}

/**
 * Both hold one key. A rotation replaces first the one and then the other: where they differ, the manifest is read once
 * more, and an identity at hand, where there is one, tells whether they hold the same all the same.
 */
async function keyCheck({ site, store, backup: { folder } }: StoredChecksRequest, { key }: Manifest): Promise<Check> {
  const bytes = await smallAt(store, `${folder}/${KEY_FILE}`);
  if (bytes instanceof BackupError) return bad(KEY_FILE, bytes.message);
  if (bytes === undefined) return bad(KEY_FILE, 'it is not there');
  const beside = Buffer.from(bytes).toString('utf8');
  if (beside === key || beside === (await keyNow(store, folder))) return good(KEY_FILE, "equals the manifest's");
  const identities = await siteIdentity(site).catch(said);
  if (!(identities instanceof BackupError)) {
    const [one, two] = await Promise.all([key, beside].map((each) => unwrapIdentity(each, identities).catch(said)));
    if (typeof one === 'string' && one === two)
      return good(KEY_FILE, "holds the same as the manifest's, in another wrap: a rotation of keys is not finished");
  }
  return bad(KEY_FILE, "it differs from the manifest's");
}

/** `failed` is what the device itself reports: that the bytes cannot be had back is a verdict. */
async function smallAt(store: Store, key: string): Promise<Uint8Array | BackupError | undefined> {
  try {
    return await store.readSmall(key);
  } catch (error) {
    if (error instanceof BackupError && error.code === 'failed') return error;
    throw error;
  }
}

async function keyNow(store: Store, folder: string): Promise<string | undefined> {
  const bytes = await store.readSmall(`${folder}/${MANIFEST}`);
  return bytes === undefined ? undefined : readableManifest(bytes)?.key;
}

/**
 * The signature leaves `key` out, since rotation rewrites it: only an identity tells whether it is still the key of
 * these artifacts.
 */
async function opensCheck({ site, store, backup }: StoredChecksRequest, { key, artifacts }: Manifest): Promise<Check> {
  const identities = await siteIdentity(site).catch(said);
  if (identities instanceof BackupError) return unseen('key', `not tried: ${identities.message}`);
  const identity = await unwrapIdentity(key, identities).catch(said);
  if (identity instanceof BackupError) {
    // Another site's identity, or none at all, opens nothing of this one: that says nothing of the backup.
    const told = identity.code === 'missing-identity' && !(await isOfSite(site, identities));
    return told ? unseen('key', `not tried: ${NOT_OF_SITE}`) : bad('key', identity.message);
  }
  let frozen = 0;
  for (const { name } of artifacts) {
    const stream = await store.open(`${backup.folder}/${name}`).catch(said);
    // Whether it is there at all, and can be read, is another check.
    if (stream instanceof BackupError) {
      if (stream.code === 'frozen') frozen += 1;
      continue;
    }
    if ((await opensHeader(identity, stream).catch(said)) === false)
      return bad('key', `it opens, but what it holds does not open ${name}`);
  }
  if (frozen > 0)
    return unseen('key', `it opens; whether it fits the ${frozen} artifacts that lie frozen was not tried`);
  return good('key', 'it opens, and fits every artifact');
}

const NOT_OF_SITE = 'encryption.identity holds no identity of a recipient under encryption.recipients';

async function isOfSite({ config }: Site, identities: string): Promise<boolean> {
  const recipients = new Set(config.encryption.recipients);
  for (const line of identityLines(identities)) {
    // What is no identity is of no site. The library's message may quote the line, which is a secret.
    const recipient = await recipientOf(line).catch(() => null);
    if (recipient !== null && recipients.has(recipient)) return true;
  }
  return false;
}

/** What a typed error says is an answer here. */
function said(error: unknown): BackupError {
  if (error instanceof BackupError) return error;
  throw error;
}

async function nothingElseCheck(store: Store, folder: string, manifest: Manifest): Promise<Check> {
  const known = new Set(
    [MANIFEST, KEY_FILE, ...manifest.artifacts.map(({ name }) => name)].map((name) => `${folder}/${name}`),
  );
  const extra: string[] = [];
  for await (const { key } of store.list(folder)) {
    if (!known.has(key)) extra.push(key.slice(folder.length + 1));
  }
  if (extra.length === 0) return good('nothing else', 'no object that the manifest does not name');
  return bad(
    'nothing else',
    `the manifest does not name ${extra.slice(0, 5).join(', ')}${extra.length > 5 ? ` and ${extra.length - 5} more` : ''}`,
  );
}

/** All that it builds on is here, each the one that its child was made from. Their artifacts are verified with them. */
function parentCheck({ catalogue, backup }: StoredChecksRequest, manifest: Manifest): Check {
  if (manifest.parent === null) return good('parents', 'none: it stands for itself');
  try {
    const parents = chainOf(catalogue, { ...backup, manifest }).slice(0, -1);
    return good('parents', parents.map(({ name }) => formatReference(name)).join(' → '));
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return bad('parents', error.message);
  }
}

function good(name: string, detail: string): Check {
  return { name, compared: true, ok: true, detail };
}

function bad(name: string, detail: string): Check {
  return { name, compared: true, ok: false, detail };
}

function unseen(name: string, detail: string): Check {
  return { name, compared: false, ok: false, detail };
}
