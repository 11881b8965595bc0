/** Edits of a config file in place: only the text of what changes is touched, so that comments and layout stay. */
import { chown, open, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { randomUUID } from 'node:crypto';
import {
  isMap,
  isNode,
  isScalar,
  isSeq,
  parseDocument,
  type Document,
  type Node,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { SiteConfig } from '../../model/config/site.ts';
import { BackupError } from '../../model/errors.ts';
import { translated } from '../storage/fs-errors.ts';
import { syncFolder } from '../storage/durable.ts';
import { shieldVariables, type Environment } from './interpolate.ts';
import { configError } from './load.ts';
import { parseConfig } from './parse.ts';

/** One change of a text: what stands between two offsets is replaced. */
export interface Edit {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** What edits are made from. */
export interface Editing {
  readonly text: string;
  readonly document: Document;
}

export interface EditRequest {
  readonly file: string;
  readonly env: Environment;
  /** @throws BackupError where it finds no place for them. */
  readonly edits: (editing: Editing) => readonly Edit[];
  /** Whether the config is what was wanted: the file is written only then. */
  readonly wanted: (config: SiteConfig) => boolean;
}

/**
 * Edits a config file, atomically, keeping its mode and owner. What comes out is parsed before it is written.
 * @throws BackupError `config` where the file cannot be edited so: nothing is changed then.
 */
export async function editConfig({ file, env, edits, wanted }: EditRequest): Promise<void> {
  // A link stays a link: what it points at is edited.
  const real = await translated(file, 'looking for the config', () => realpath(file));
  const text = await translated(real, 'reading the config', () => readFile(real, 'utf8'));
  const document = parseDocument(shieldVariables(text), { prettyErrors: false, stringKeys: true, merge: true });
  const edited = applied(text, edits({ text, document }));
  const parsed = parseConfig(edited, file, env);
  if (!parsed.ok) throw configError(file, parsed.problems);
  if (!wanted(parsed.config)) throw byHand(file, 'the change would not come out as it is meant');
  await translated(real, 'writing the config', () => replace(real, edited));
}

async function replace(file: string, text: string): Promise<void> {
  const { mode, uid, gid } = await stat(file);
  const temporary = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID()}`);
  try {
    const handle = await open(temporary, 'wx', mode & 0o777);
    try {
      await handle.chmod(mode & 0o777);
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await chown(temporary, uid, gid);
    await rename(temporary, file);
    await syncFolder(path.dirname(file));
  } finally {
    await rm(temporary, { force: true });
  }
}

/** From the last to the first, so that offsets stay right. */
function applied(text: string, edits: readonly Edit[]): string {
  return edits
    .toSorted((one, two) => two.from - one.from)
    .reduce((rest, { from, to, text: put }) => `${rest.slice(0, from)}${put}${rest.slice(to)}`, text);
}

/** Adds items, written as YAML, to the end of a list. Where there is none, the mapping around it gets one. */
export function itemsAdded(editing: Editing, at: readonly string[], items: readonly string[]): Edit {
  const node = editing.document.getIn(at, true);
  const key = at.at(-1) ?? '';
  const inFlow = items.join(', ');
  if (isSeq(node) && node.items.length > 0)
    return node.flow ? afterInFlow(node, inFlow) : afterInBlock(editing, node, items);
  if (isSeq(node) && node.flow) return { from: startOf(node) + 1, to: startOf(node) + 1, text: inFlow };
  if (node === undefined) return keyAdded(editing, at.slice(0, -1), `${key}: [${inFlow}]`);
  throw byHand(key, 'is no list that can be edited here');
}

/** Takes one item out of a list. */
export function itemRemoved({ text, document }: Editing, at: readonly string[], item: string): Edit {
  const node = document.getIn(at, true);
  if (!isSeq(node)) throw byHand(at.join('.'), 'is no list that can be edited here');
  const index = node.items.findIndex((each) => isScalar(each) && each.value === item);
  const found = node.items[index];
  if (!isNode(found)) throw byHand(at.join('.'), `does not have ${item} written out`);
  if (node.flow) return outOfFlow(text, node, index);
  // The whole line, with the comment behind it.
  const from = text.lastIndexOf('\n', startOf(found)) + 1;
  const end = text.indexOf('\n', endOf(found));
  return { from, to: end < 0 ? text.length : end + 1, text: '' };
}

/** Replaces a scalar. */
export function valueReplaced({ document }: Editing, at: readonly string[], value: string): Edit {
  const node = document.getIn(at, true);
  if (!isScalar(node)) throw byHand(at.join('.'), 'is not written out as a text');
  const plain = /^[/A-Za-z][A-Za-z0-9/._@-]*$/.test(value);
  return { from: startOf(node), to: endOf(node), text: plain ? value : JSON.stringify(value) };
}

function afterInFlow(node: YAMLSeq, items: string): Edit {
  const last = endOf(lastOf(node));
  return { from: last, to: last, text: `, ${items}` };
}

/** On a line of its own behind the last one, and behind the comment of that. */
function afterInBlock({ text }: Editing, node: YAMLSeq, items: readonly string[]): Edit {
  const last = lastOf(node);
  const line = text.lastIndexOf('\n', startOf(last)) + 1;
  const indent = /^[ \t]*/.exec(text.slice(line))?.[0] ?? '';
  const end = text.indexOf('\n', endOf(last));
  const from = end < 0 ? text.length : end;
  return { from, to: from, text: items.map((item) => `\n${indent}- ${item}`).join('') };
}

/** Before the first key of a mapping, in its own style. */
function keyAdded({ text, document }: Editing, at: readonly string[], line: string): Edit {
  const node = document.getIn(at, true);
  if (!isMap(node)) throw byHand(at.join('.'), 'is no mapping that can be edited here');
  const first = firstKey(node);
  if (node.flow) {
    const from = startOf(node) + 1;
    return { from, to: from, text: first === undefined ? ` ${line} ` : ` ${line},` };
  }
  if (first === undefined) throw byHand(at.join('.'), 'is empty');
  const from = startOf(first);
  const indent = text.slice(text.lastIndexOf('\n', from) + 1, from);
  return { from, to: from, text: `${line}\n${indent}` };
}

function firstKey(node: YAMLMap): Node | undefined {
  const key = node.items[0]?.key;
  return isNode(key) ? key : undefined;
}

/** With the comma before it, or the one behind it where it is the first. */
function outOfFlow(text: string, node: YAMLSeq, index: number): Edit {
  const [before, own, after] = [node.items[index - 1], node.items[index], node.items[index + 1]];
  if (!isNode(own)) throw byHand('the list', 'cannot be edited here');
  const line = text.lastIndexOf('\n', startOf(own)) + 1;
  const rest = text.slice(endOf(own)).match(/^,?[ \t]*(?:#[^\n]*)?\n/)?.[0];
  // A line of its own goes with its comment; a comma may stand behind the last item.
  if (rest !== undefined && text.slice(line, startOf(own)).trim() === '') {
    return { from: line, to: endOf(own) + rest.length, text: '' };
  }
  if (isNode(before)) return { from: endOf(before), to: endOf(own), text: '' };
  if (isNode(after)) return { from: startOf(own), to: startOf(after), text: '' };
  return { from: startOf(own), to: endOf(own), text: '' };
}

function lastOf(node: YAMLSeq): Node {
  const last = node.items.at(-1);
  if (isNode(last)) return last;
  throw byHand('the list', 'cannot be edited here');
}

function startOf(node: Node): number {
  return rangeOf(node)[0];
}

function endOf(node: Node): number {
  return rangeOf(node)[1];
}

function rangeOf(node: Node): readonly [start: number, end: number, behind: number] {
  if (node.range) return node.range;
  throw new TypeError('a node of a parsed text has a range');
}

function byHand(what: string, why: string): BackupError {
  return new BackupError('config', `${what}: ${why}. Nothing was changed.`, {
    remedy: 'Edit the config by hand; `mosaic-backup config check` looks at it.',
  });
}
