/** All benchmarks, in the order in which they run. */
import { filesAgain, filesFirst } from './files.ts';
import { firstByte } from './first-byte.ts';
import { incrementalMariadb, incrementalPostgres } from './incremental.ts';
import { listing } from './listing.ts';
import { logsMariadb, logsPostgres } from './logs/index.ts';
import { memory } from './memory.ts';
import { pgbackrest } from './pgbackrest.ts';
import { postgres } from './postgres.ts';
import { restores } from './restore.ts';
import { tinyRun } from './tiny-run.ts';
import type { Bench } from './types.ts';

export const BENCHES: readonly Bench[] = [
  postgres,
  pgbackrest,
  filesFirst,
  filesAgain,
  restores,
  incrementalPostgres,
  incrementalMariadb,
  logsPostgres,
  logsMariadb,
  listing,
  memory,
  tinyRun,
  firstByte,
];
