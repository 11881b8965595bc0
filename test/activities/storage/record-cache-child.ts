/** Remembers more records than its disk takes, and prints what came of it. */
import { writeRecordCache } from '../../../activities/storage/record-cache.ts';
import { BackupError } from '../../../model/errors.ts';

const record = { version: '1', note: '', value: 'x'.repeat(200) };
const many = new Map(Array.from({ length: 20_000 }, (_, index) => [`record-${index}`, record]));
try {
  await writeRecordCache({ file: process.argv[2] ?? '', of: 'records' }, many);
} catch (error) {
  process.stdout.write(error instanceof BackupError ? error.code : String(error));
}
