/** PostgreSQL against the suite of all source types. */
import { describeSource } from '../conformance.ts';
import { makeServer } from './server-source.ts';

describeSource({ name: 'postgres', make: (folder) => makeServer(folder, { extension: 'hstore' }) });
// Of every backup after the first it makes an incremental, so what is restored is a chain.
describeSource({
  name: 'postgres 18, with incrementals',
  make: (folder) => makeServer(folder, { extension: 'vector', major: 18, settings: { summarize_wal: 'on' } }),
});
