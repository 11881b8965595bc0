/** PostgreSQL's continuous logs: WAL. */
import type { PostgresSource } from '../../../../model/config/source.ts';
import type { LogsAdapter } from '../../types.ts';
import { ship } from './ship.ts';

export const logs: LogsAdapter<PostgresSource> = { ship };
