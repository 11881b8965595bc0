/** Restores of PostgreSQL in place. */
import path from 'node:path';
import type { PostgresSource } from '../../../../model/config/source.ts';
import type { InPlaceAdapter } from '../../types.ts';
import { noteRestored } from '../logs/restored.ts';
import { noteReleased } from '../logs/slot-record.ts';
import { check } from './check.ts';
import { examine } from './examine.ts';
import { facts } from './facts.ts';
import { keeps } from './keeps.ts';
import { prepare } from './prepare.ts';
import { saveUnshipped } from './unshipped.ts';

export const inPlace: InPlaceAdapter<PostgresSource> = {
  processes: ['postgres', 'postmaster'],
  examine,
  prepare,
  checksAfterReplay: ['start', 'collations', 'amcheck'],
  checksOnlyTold: ['collations', 'inventory'],
  saveUnshipped,
  keeps,
  check,
  // The old slot is gone with the old data; the next shipping makes another.
  begin: async ({ state }, found) => {
    await noteReleased(state);
    await noteRestored(path.join(state, 'received'), facts.parse(found).timeline ?? 0);
  },
};
