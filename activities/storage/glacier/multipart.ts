/**
 * Upload in parts. What the vault has acknowledged is not sent again: the upload is remembered in state, and an attempt
 * that takes it over compares each part of the file with the tree hash that the vault has of it.
 */
import type { FileHandle } from 'node:fs/promises';
import type { ListPartsCommandOutput, PartListElement } from '@aws-sdk/client-glacier';
import { BackupError } from '../../../model/errors.ts';
import { withBody } from '../aws/body.ts';
import { paceOf, slowestOf } from '../rate.ts';
import { cutBy, type Cut } from '../upload/cut.ts';
import { leaveUpload } from '../upload/left.ts';
import type { FilePart } from '../upload/part-reader.ts';
import { sendParts } from '../upload/send-parts.ts';
import type { Sending } from '../upload/sending.ts';
import type { Adopted } from '../upload/uploads.ts';
import { confirmed, type Put, type Uploaded } from './confirm.ts';
import { formatDescription } from './description.ts';
import { treeHashOf } from './tree-hash.ts';
import { ifPresent } from './vault.ts';

export interface PartsPut extends Put {
  readonly opened: FileHandle;
  readonly cut: Cut;
}

interface UnderWay extends Adopted {
  /**
   * By number, the tree hashes of what the vault holds already. Null: it knows no such upload any more; it may have made
   * it an archive, and its answer was lost.
   */
  readonly held: ReadonlyMap<number, string> | null;
}

export async function uploadParts(put: PartsPut): Promise<Uploaded> {
  for (;;) {
    const underWay = (await takeOver(put)) ?? (await begin(put));
    const uploaded = await finish(put, underWay);
    if (uploaded !== undefined) return uploaded;
    await put.uploads.forget(underWay.file);
  }
}

/** Undefined where the upload that was taken over is gone, and no archive was made of it. */
async function finish(put: PartsPut, underWay: UnderWay): Promise<Uploaded | undefined> {
  const { vault, uploads, work } = put;
  const { upload, file, held } = underWay;
  let treeHash: string | undefined;
  try {
    treeHash = treeHashOf(await sendAll(put, underWay)).toString('hex');
    const answer = await complete(put, upload.uploadId, treeHash);
    if (answer !== undefined) return { ...confirmed(put, answer, treeHash), done: () => uploads.forget(file) };
    if (held === null) return undefined;
    throw vanished(put);
  } catch (error) {
    const abortThis = () => abort(put, upload.uploadId);
    const { destination } = vault;
    await leaveUpload(
      { uploads, file, destination, abort: abortThis, work },
      { error, wasSent: treeHash !== undefined },
    );
    throw error;
  }
}

/** An upload of this artifact that a dead process, or a failed attempt, has left. */
async function takeOver(put: PartsPut): Promise<UnderWay | undefined> {
  const { vault, uploads, key, expected, work } = put;
  const adopted = await uploads.adopt(key, expected);
  if (adopted === undefined) return undefined;
  try {
    const parts = await partsOf(put, adopted.upload.uploadId);
    await abortOthers(put, adopted);
    const held = parts && new Map(parts.map((part) => [numberOf(part, adopted), part.SHA256TreeHash ?? '']));
    work.log.info(
      { key, destination: vault.destination, parts: held?.size ?? 'unknown' },
      'upload goes on where it stopped',
    );
    return { ...adopted, held: held ?? null };
  } catch (error) {
    await uploads.release(adopted.file);
    throw error;
  }
}

/** From 1 on, by where a part begins. */
function numberOf({ RangeInBytes = '' }: PartListElement, { upload }: Adopted): number {
  return Number(RangeInBytes.split('-', 1)[0]) / upload.partSize + 1;
}

/** The parts of an upload that the vault has acknowledged; undefined where it knows no such upload. */
async function partsOf({ vault, key, work }: Put, uploadId: string): Promise<readonly PartListElement[] | undefined> {
  const doing = { doing: `looking which parts of ${key} are there`, right: 'glacier:ListParts', signal: work.signal };
  const parts: PartListElement[] = [];
  for (let marker: string | undefined = ''; marker !== undefined;) {
    const from: object = marker === '' ? {} : { marker };
    const page: ListPartsCommandOutput | undefined = await vault.call(doing, (glacier, options) =>
      ifPresent(glacier.listParts({ ...vault.names, uploadId, ...from }, options)),
    );
    if (page === undefined) return undefined;
    parts.push(...(page.Parts ?? []));
    marker = page.Marker ?? undefined;
  }
  return parts;
}

async function begin(put: PartsPut): Promise<UnderWay> {
  const { vault, uploads, key, expected, work, cut } = put;
  await abortOthers(put, undefined);
  const { uploadId = '' } = await vault.call(
    { doing: `beginning the upload of ${key}`, right: 'glacier:InitiateMultipartUpload', signal: work.signal },
    (glacier, options) =>
      glacier.initiateMultipartUpload(
        {
          ...vault.names,
          archiveDescription: formatDescription({ site: vault.site, key, sha256: expected.sha256 }),
          partSize: String(cut.size),
        },
        options,
      ),
  );
  const upload = { bucket: vault.config.vault, object: key, uploadId, ...expected, partSize: cut.size };
  return { upload, file: await uploads.remember(upload), held: new Map() };
}

/** Gives back what dead processes have left of other uploads of this artifact. Those of dead hosts Glacier gives back after a day. */
export async function abortOthers(
  put: Pick<Put, 'vault' | 'uploads' | 'key'>,
  own: Adopted | undefined,
): Promise<void> {
  for (const { file, upload, alive } of await put.uploads.all()) {
    if (alive || file === own?.file || upload.object !== put.key) continue;
    await abort(put, upload.uploadId);
    await put.uploads.forget(file);
  }
}

async function abort({ vault, key }: Pick<Put, 'vault' | 'key'>, uploadId: string): Promise<void> {
  const doing = { doing: `aborting the upload of ${key}`, right: 'glacier:AbortMultipartUpload' };
  await vault.call(doing, (glacier) => ifPresent(glacier.abortMultipartUpload({ ...vault.names, uploadId })));
}

/** All parts, as far as the vault does not hold them. Returns their tree hashes. */
function sendAll(put: PartsPut, { upload, held }: UnderWay): Promise<readonly Buffer[]> {
  const { vault, key, file, expected, opened, work } = put;
  const cut = cutBy(expected.bytes, upload.partSize, vault.config.parallel);
  const sendOne = partSender(put, { uploadId: upload.uploadId, size: cut.size });
  return sendParts({
    key,
    file,
    opened,
    expected,
    cut,
    mebibytes: true,
    to: vault.destination,
    async send(part, sending) {
      const hash = treeHashOf(part.mebibytes);
      const isHeld = held === null || held.get(part.number) === hash.toString('hex');
      if (!isHeld) await sendOne(part, hash, sending);
      return hash;
    },
    work,
  });
}

/** What sends one part, and compares what the vault computed of it. */
function partSender(
  put: Put,
  { uploadId, size }: { readonly uploadId: string; readonly size: number },
): (part: FilePart, hash: Buffer, sending: Sending) => Promise<void> {
  const { vault, key, options } = put;
  const pace = paceOf(slowestOf(vault.config.maxRate, options.maxRate));
  return async ({ number, bytes, sha256 }, hash, sending) => {
    const { UploadMultipartPartCommand } = await import('@aws-sdk/client-glacier');
    const begins = (number - 1) * size;
    const checksum = hash.toString('hex');
    const range = `bytes ${begins}-${begins + bytes.length - 1}/*`;
    const command = new UploadMultipartPartCommand({ ...vault.names, uploadId, checksum, range, body: bytes });
    withBody(command, { bytes, pace, ...sending.part(number) }, sha256.toString('hex'));
    const doing = {
      doing: `copying ${key}, part ${number},`,
      right: 'glacier:UploadMultipartPart',
      signal: sending.signal,
    };
    const answer = await vault.call(doing, (glacier, options) => glacier.send(command, options));
    confirmed(put, { archiveId: uploadId, checksum: answer.checksum }, checksum);
  };
}

/**
 * Makes the parts one archive. Repeated within a short time it gives the same archive again, so that a lost answer costs
 * nothing. Undefined where the vault knows no such upload.
 */
async function complete({ vault, key, expected, work }: Put, uploadId: string, checksum: string) {
  const doing = { doing: `completing ${key}`, right: 'glacier:CompleteMultipartUpload', signal: work.signal };
  const wanted = { ...vault.names, uploadId, archiveSize: String(expected.bytes), checksum };
  return vault.call(doing, (glacier, options) => ifPresent(glacier.completeMultipartUpload(wanted, options)));
}

function vanished({ vault, key }: Put): BackupError {
  return new BackupError('failed', `The upload of ${key} to ${vault.destination} is gone: somebody has aborted it.`, {
    remedy: 'It is begun anew with the next attempt. See who else has the rights of this identity.',
    facts: { key, destination: vault.destination },
  });
}
