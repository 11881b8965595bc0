/** Which keys a config knows at a path, read from its JSON Schema. */
import { z } from 'zod';
import { valueAt, type ConfigPath } from './problem.ts';
import { siteConfig } from './site.ts';

/** The few words of JSON Schema that ours is made of. */
interface Node {
  readonly const?: unknown;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Node>>;
  readonly additionalProperties?: Node | boolean;
  readonly items?: Node;
  readonly oneOf?: readonly Node[];
  readonly anyOf?: readonly Node[];
}

/** The JSON Schema of a config file, for editors: `# yaml-language-server: $schema=…`. */
export function configSchema(): Readonly<Record<string, unknown>> {
  const { $schema, ...rest } = z.toJSONSchema(siteConfig, { io: 'input' });
  return { $schema, title: 'Config of mosaic-backup', ...rest };
}

/** The keys known at a path, given the data (a `type` decides which); empty where none or any are. */
export function keysAt(path: ConfigPath, data: unknown): readonly string[] {
  return [...new Set(nodesAt(path, data).flatMap((node) => Object.keys(node.properties ?? {})))];
}

/** What the schema says about a path in words. */
export function descriptionAt(path: ConfigPath, data: unknown): string | undefined {
  return nodesAt(path, data).find(({ description }) => description !== undefined)?.description;
}

function nodesAt(path: ConfigPath, data: unknown): readonly Node[] {
  // zod's type of a JSON Schema allows booleans everywhere; what it makes of our schema has the form above.
  const root = configSchema() as Node;
  let nodes = alternatives(root, data);
  for (const [index, part] of path.entries()) {
    const value = valueAt(data, path.slice(0, index + 1));
    nodes = nodes.flatMap((node) => {
      const child = childOf(node, part);
      return child ? alternatives(child, value) : [];
    });
  }
  return nodes;
}

function childOf(node: Node, part: string | number): Node | undefined {
  if (typeof part === 'number') return node.items;
  if (node.properties && Object.hasOwn(node.properties, part)) return node.properties[part];
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
}

/** Of a union, the member that the data's `type` names, or else every member. */
function alternatives(node: Node, value: unknown): readonly Node[] {
  const members = node.oneOf ?? node.anyOf;
  if (!members) return [node];
  const named = members.filter((member) => member.properties?.['type']?.const === valueAt(value, ['type']));
  return named.length > 0 ? named : members;
}
