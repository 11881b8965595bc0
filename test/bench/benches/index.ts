/** All benchmarks, in the order in which they run. */
import { drillBench } from './drill/index.ts';
import { fanOut } from './fan-out.ts';
import { filesAgain, filesFirst } from './files.ts';
import { firstByte } from './first-byte.ts';
import { fleetBench } from './fleet/index.ts';
import { incrementalMariadb, incrementalPostgres } from './incremental.ts';
import { listing } from './listing/index.ts';
import { logsMariadb, logsPostgres } from './logs/index.ts';
import { memory } from './memory.ts';
import { pgbackrest } from './pgbackrest.ts';
import { postgres } from './postgres.ts';
import { restores } from './restore.ts';
import { s3Resume } from './s3-resume.ts';
import { s3Upload } from './s3-upload.ts';
import { tinyRun } from './tiny-run.ts';
import type { Bench } from './types.ts';

export const BENCHES: readonly Bench[] = [
  postgres,
  pgbackrest,
  filesFirst,
  filesAgain,
  restores,
  drillBench,
  incrementalPostgres,
  incrementalMariadb,
  logsPostgres,
  logsMariadb,
  s3Upload,
  s3Resume,
  fanOut,
  listing,
  memory,
  tinyRun,
  firstByte,
  fleetBench,
];
