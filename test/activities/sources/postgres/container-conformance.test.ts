/** PostgreSQL in a container against the suite of all source types. */
import { describeSource } from '../conformance.ts';
import { makeInContainer } from './container-source.ts';

describeSource({ name: 'postgres, in a container', make: () => makeInContainer() });
