/** The keys of all objects in a folder. */
import { directoryStore } from '../../activities/storage/directory.ts';

export async function keysIn(root: string): Promise<readonly string[]> {
  const keys: string[] = [];
  for await (const { key } of directoryStore(root).list('')) keys.push(key);
  return keys;
}
