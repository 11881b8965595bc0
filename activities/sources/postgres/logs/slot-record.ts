/**
 * What stays on a server because of us, in state: its slot, and how the server was reached. By it a slot that was
 * dropped is told from one that never was, and the slot of a source that is no longer in the config is found.
 */
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { postgresSource, type PostgresSource } from '../../../../model/config/source.ts';
import { readMemoryFile, writeMemoryFile } from '../../../storage/memory-file.ts';

const record = z.looseObject({
  slot: z.string(),
  systemId: z.string(),
  /** As the config had it: where passwords are read from, never one itself. */
  connection: postgresSource.shape.connection,
  /** It was dropped by us, because nothing was shipped through it any more. */
  released: z.boolean().optional(),
});

export interface SlotRecord {
  readonly slot: string;
  readonly systemId: string;
  readonly connection: PostgresSource['connection'];
  readonly released?: boolean | undefined;
}

export function readSlotRecord(state: string): Promise<SlotRecord | undefined> {
  return readMemoryFile(fileOf(state), record);
}

/** Written before the slot is made, so that no death in between leaves one that nobody knows of. */
export async function keepSlotRecord(state: string, value: SlotRecord): Promise<void> {
  const known = await readSlotRecord(state);
  if (!isDeepStrictEqual(known, JSON.parse(JSON.stringify(value)))) await writeMemoryFile(fileOf(state), value);
}

/** Notes that it was dropped by us: whoever ships through one again has lost none. */
export async function noteReleased(state: string): Promise<void> {
  const known = await readSlotRecord(state);
  if (known && !known.released) await writeMemoryFile(fileOf(state), { ...known, released: true });
}

function fileOf(state: string): string {
  return path.join(state, 'slot.json');
}
