/** Where in a YAML text the key or value at a path stands. */
import { isAlias, isMap, isNode, isScalar, isSeq, type Document, type LineCounter, type Node, type Pair } from 'yaml';
import type { ConfigPath } from '../../model/config/problem.ts';

export interface Position {
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
}

/** The position of what a path names; where it is not written, that of the nearest thing around it. */
export function positionOf(document: Document, lines: LineCounter, path: ConfigPath, at: 'key' | 'value'): Position {
  let node: Node | null = document.contents;
  let offset = startOf(node) ?? 0;
  for (const [index, part] of path.entries()) {
    const found = childOf(document, node, part);
    if (!found) break;
    const last = index === path.length - 1;
    offset =
      (last && at === 'value' ? startOf(found.value) : undefined) ??
      startOf(found.key) ??
      startOf(found.value) ??
      offset;
    node = found.value;
  }
  return positionAt(lines, offset);
}

export function positionAt(lines: LineCounter, offset: number): Position {
  const { line, col } = lines.linePos(offset);
  // An empty text has no lines at all.
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

interface Child {
  readonly key: Node | null;
  readonly value: Node | null;
}

function childOf(document: Document, parent: Node | null, part: string | number): Child | undefined {
  const node = isAlias(parent) ? parent.resolve(document) : parent;
  if (isSeq(node) && typeof part === 'number') {
    const item = node.items[part];
    return isNode(item) ? { key: null, value: item } : undefined;
  }
  if (!isMap(node)) return undefined;
  // The last of two equal keys counts in the data.
  const pair = node.items.findLast(({ key }: Pair) => isScalar(key) && String(key.value) === String(part));
  return pair ? { key: isNode(pair.key) ? pair.key : null, value: isNode(pair.value) ? pair.value : null } : undefined;
}

function startOf(node: Node | null): number | undefined {
  return node?.range?.[0];
}
