/** Whether a server's own word for its data folder means the one in the config. */
import { stat } from 'node:fs/promises';
import path from 'node:path';
import type { InPlaceConfig } from '../../../model/config/in-place.ts';
import { ifThere } from '../../storage/fs-errors.ts';

/** By the name that the config says the server uses, or by what lies there: links and mounts are followed. */
export async function sameFolder(said: string, { data, seenAs }: InPlaceConfig): Promise<boolean> {
  if (seenAs !== undefined) return path.resolve(said) === path.resolve(seenAs);
  const [one, other] = await Promise.all([ifThere(stat(said)), ifThere(stat(data))]);
  if (!one || !other) return path.resolve(said) === path.resolve(data);
  return one.dev === other.dev && one.ino === other.ino;
}
