/** The databases of the sample. */
import type { SampleDatabase } from './database.ts';
import { wiki } from './mariadb/index.ts';
import { shop } from './postgres/index.ts';
import { cache } from './redis/index.ts';

export const DATABASES: readonly SampleDatabase[] = [shop, wiki, cache];
