/** PostgreSQL's continuous logs: WAL. */
import type { PostgresSource } from '../../../../model/config/source.ts';
import type { LogsAdapter } from '../../types.ts';
import { join } from './join.ts';
import { placeOf } from './position.ts';
import { ship } from './ship.ts';
import { orphans } from './orphans.ts';
import { leftOnServer, release } from './release.ts';
import { standing } from './standing.ts';

export const logs: LogsAdapter<PostgresSource> = { ship, standing, placeOf, join, leftOnServer, release, orphans };
