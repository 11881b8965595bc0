/** Storing of an artifact: as one archive, in one request where it is small, in parts where it is not. */
import { open, type FileHandle } from 'node:fs/promises';
import type { ArchiveFacts } from '../../../model/archive-record.ts';
import { aborted } from '../../streams/pipeline.ts';
import { withBody } from '../aws/body.ts';
import { damagedFile, isEqual, missingFile } from '../damaged-file.ts';
import { ifThere, translated } from '../fs-errors.ts';
import { paceOf, slowestOf } from '../rate.ts';
import type { Cut } from '../upload/cut.ts';
import { partReader } from '../upload/part-reader.ts';
import { watchSending } from '../upload/sending.ts';
import { confirmed, type Put, type Uploaded } from './confirm.ts';
import { cutOf } from './cut.ts';
import { formatDescription } from './description.ts';
import { abortOthers, uploadParts } from './multipart.ts';
import { isThere } from './read.ts';
import { treeHashOf } from './tree-hash.ts';

/**
 * Stores a file. The vault computes its tree hash over what it received, and refuses other bytes; only then the artifact
 * gets its record, by which it is found. What an attempt has left that died in between is no copy: it has no record.
 */
export async function putArchive(put: Put): Promise<void> {
  const { vault, records, unrecorded, key, file, expected, options, work } = put;
  if (work.signal.aborted) throw aborted();
  if (await isThere(put, key, expected, work)) {
    if (options.until !== undefined) await records.keep(key, options.until);
    await abortOthers(put, undefined);
    return;
  }
  const opened = await translated(file, `reading ${file}`, () => ifThere(open(file, 'r')));
  if (opened === undefined) throw missingFile(file, vault.destination);
  try {
    if (expected.bytes === 0) {
      await putEmpty(put, opened);
      return;
    }
    const record = (await unrecorded.find(key, expected)) ?? (await upload(put, opened));
    await records.add(record, options);
    await unrecorded.forget(record);
    await abortOthers(put, undefined);
  } finally {
    await opened.close();
  }
  work.log.debug({ key, destination: vault.destination, bytes: expected.bytes }, 'archive stored and confirmed');
}

async function upload(put: Put, opened: FileHandle): Promise<ArchiveFacts> {
  const { vault, unrecorded, key, expected } = put;
  const cut = cutOf(expected.bytes, vault.config);
  const { archiveId, treeHash, done } =
    cut.count === 1 ? await uploadWhole(put, opened, cut) : await uploadParts({ ...put, opened, cut });
  const uploaded = new Date().toISOString();
  const { site } = vault;
  const record = { site, key, vault: vault.config.vault, archiveId, ...expected, treeHash, uploaded };
  await unrecorded.remember(record);
  await done();
  return record;
}

/** A vault takes nothing that is empty: it lies beside the records. */
async function putEmpty({ vault, records, key, file, expected, options }: Put, opened: FileHandle): Promise<void> {
  const reader = partReader({ file, opened, cut: { size: 1, count: 1, lanes: 1 }, bytes: 0 });
  await reader.next(Buffer.alloc(1));
  const found = reader.stored();
  if (!isEqual(found, expected)) throw damagedFile({ key, file, expected, found, to: vault.destination });
  await records.at.putSmall(records.keyAt(key), Buffer.alloc(0), { replace: true, ...options });
}

async function uploadWhole(put: Put, opened: FileHandle, cut: Cut): Promise<Uploaded> {
  const { vault, key, file, expected, options, work } = put;
  const reader = partReader({ file, opened, cut, bytes: expected.bytes, mebibytes: true });
  const part = await reader.next(Buffer.allocUnsafeSlow(expected.bytes));
  const found = reader.stored();
  if (part === undefined || !isEqual(found, expected))
    throw damagedFile({ key, file, expected, found, to: vault.destination });
  const { bytes, sha256 } = part;
  const treeHash = treeHashOf(part.mebibytes).toString('hex');
  const sending = watchSending(`copying to ${vault.destination}`, expected.bytes, work);
  const pace = paceOf(slowestOf(vault.config.maxRate, options.maxRate));
  const description = formatDescription({ site: vault.site, key, sha256: expected.sha256 });
  const { UploadArchiveCommand } = await import('@aws-sdk/client-glacier');
  const command = new UploadArchiveCommand({
    ...vault.names,
    archiveDescription: description,
    checksum: treeHash,
    body: bytes,
  });
  withBody(command, { bytes, pace, ...sending.part(1) }, sha256.toString('hex'));
  const doing = { doing: `copying ${key}`, right: 'glacier:UploadArchive', signal: sending.signal };
  const answer = await sending.during(() => vault.call(doing, (glacier, call) => glacier.send(command, call)));
  return { ...confirmed(put, answer, treeHash), done: async () => {} };
}
