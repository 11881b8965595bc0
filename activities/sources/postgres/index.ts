/** The `postgres` source type: full streamed base backups of a whole cluster. */
import type { PostgresSource } from '../../../model/config/source.ts';
import type { SourceAdapter } from '../types.ts';
import { capture } from './capture.ts';
import { check } from './check.ts';
import { logs } from './logs/index.ts';
import { select } from './logs/select.ts';
import { preflight } from './preflight.ts';
import { restore } from './restore.ts';

export const postgres: SourceAdapter<PostgresSource> = {
  type: 'postgres',
  preflight,
  nextKind: async () => 'full',
  capture,
  restore,
  check,
  logs,
  select,
};
