/** The sample's places for copies that are behind a server. */
import { bucket } from './bucket.ts';
import { offsite } from './offsite.ts';
import type { SampleRemote } from './remote.ts';

export const REMOTES: readonly SampleRemote[] = [bucket, offsite];
