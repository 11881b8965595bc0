/** PostgreSQL 18 in a container against the suite of all source types, whose faults it is most of. */
import { describeSource } from '../conformance.ts';
import { makeInContainer } from './container-source.ts';

// Of every backup after the first it makes an incremental: the parent's manifest goes into the container.
describeSource({
  name: 'postgres 18, in a container, with incrementals',
  make: () => makeInContainer({ major: 18, settings: { summarize_wal: 'on' } }),
});
