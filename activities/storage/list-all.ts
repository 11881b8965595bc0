import type { ListedObject, Store } from './types.ts';

/** All that a store lists below a prefix. */
export async function listAll(store: Store, prefix: string): Promise<readonly ListedObject[]> {
  const all: ListedObject[] = [];
  for await (const object of store.list(prefix)) all.push(object);
  return all;
}
