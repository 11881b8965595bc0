/** What a listing has shown, so that reading asks for less. */

export interface Seen {
  /** An object has one version alone: there is nothing to choose from. */
  single(object: string): void;
  isSingle(object: string): boolean;
}

export function noneSeen(): Seen {
  const singles = new Set<string>();
  return { single: (object) => void singles.add(object), isSingle: (object) => singles.has(object) };
}
