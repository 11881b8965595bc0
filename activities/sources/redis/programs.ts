/** Redis' or Valkey's own programs, which load what was backed up: which of them can. */
import path from 'node:path';
import { z } from 'zod';
import { BackupError } from '../../../model/errors.ts';
import type { Manifest } from '../../../model/manifest.ts';
import { locate } from '../../streams/locate.ts';
import { programVersion } from '../../streams/versions.ts';
import type { ContainerSandbox, Sandbox } from '../private-server/sandbox.ts';
import { isAtLeast, release, type Product } from './facts.ts';
import type { Tool } from './tools.ts';

export interface Programs {
  readonly product: Product;
  /** Of the server: `7.0.15`. */
  readonly version: string;
  readonly server: string;
  readonly checkRdb: Tool;
  readonly checkAof: Tool;
  /** Where they are; absent: on this machine. */
  readonly sandbox?: Sandbox | undefined;
}

const engine = z.looseObject({
  product: z.enum(['redis', 'valkey']),
  version: z.string(),
  modules: z.array(z.string()).default([]),
  /** What the data took in memory, and will take again. */
  memoryBytes: z.number().default(0),
});
export type Engine = z.infer<typeof engine>;

export function engineOf({ engine: found }: Pick<Manifest, 'engine'>): Engine {
  return engine.parse(found);
}

/** Programs that can load what an engine wrote, on this machine or in a container; undefined when there are none. */
export async function findPrograms(of: Engine, sandbox?: Sandbox): Promise<Programs | undefined> {
  if (sandbox && sandbox.image !== null) return programsInside(sandbox, of);
  for (const product of ['redis', 'valkey'] as const) {
    const found = await programsOf(product);
    if (found && canLoad(found, of)) return found;
  }
  return undefined;
}

/** @throws BackupError `missing-program` with the package to install. */
export async function requirePrograms(of: Engine, sandbox?: Sandbox): Promise<Programs> {
  const found = await findPrograms(of, sandbox);
  if (found) return found;
  const where = sandbox?.image ? `The image ${sandbox.image}` : 'This machine';
  throw new BackupError('missing-program', `${where} has no server that loads data of ${describeEngine(of)}`, {
    remedy: installRemedy(of),
    facts: { product: of.product, version: of.version },
  });
}

export function describeEngine({ product, version }: Engine): string {
  return `${product === 'valkey' ? 'Valkey' : 'Redis'} ${version}`;
}

/** The package of the server of a product. */
export function packageOf({ product }: Pick<Engine, 'product'>): string {
  return `${product}-server`;
}

export function installRemedy(of: Engine): string {
  const [major, minor] = release(of.version);
  return `apt-get install ${packageOf(of)}, of version ${major}.${minor} or newer (from packages.${of.product === 'redis' ? 'redis.io' : 'the distribution'} where it lacks that); its service may stay masked.`;
}

/**
 * RDBs load into the same or a newer version. Valkey came from Redis 7.2 and loads all up to that; since then each has
 * formats of its own.
 */
function canLoad(programs: Pick<Programs, 'product' | 'version'>, of: Engine): boolean {
  if (programs.product === of.product) return isAtLeast(programs.version, of.version);
  const isCommon = !isAtLeast(of.version, '7.3');
  return isCommon && isAtLeast(programs.version, '7.2');
}

/** As images have them: Redis' and Valkey's own, and those of packagers. */
const INSIDE = ['/usr/local/bin', '/usr/bin', '/opt/*/*/bin'] as const;

/** "Redis server v=7.0.15 sha=…", "Valkey server v=7.2.5 …": an image of Valkey has programs of both names. */
const VERSION = /^(Redis|Valkey) server v=(\d[.\w]*)/;

async function programsInside(sandbox: ContainerSandbox, of: Engine): Promise<Programs | undefined> {
  for (const name of ['redis', 'valkey'] as const) {
    for (const { folder, printed } of await sandbox.find(`${name}-server`, INSIDE)) {
      const [, made, version] = VERSION.exec(printed) ?? [];
      if (made === undefined || version === undefined) continue;
      const product = made === 'Valkey' ? 'valkey' : 'redis';
      const tool = (tool: string): Tool => ({ command: path.join(folder, `${name}-${tool}`), sandbox });
      const server = path.join(folder, `${name}-server`);
      const found = {
        product,
        version,
        server,
        checkRdb: tool('check-rdb'),
        checkAof: tool('check-aof'),
        sandbox,
      } as const;
      if (canLoad(found, of)) return found;
    }
  }
  return undefined;
}

async function programsOf(product: Product): Promise<Programs | undefined> {
  try {
    const server = locate(`${product}-server`);
    const version = await programVersion(server);
    const beside = (name: string): Tool => ({
      command: locate(path.join(path.dirname(server), `${product}-${name}`)),
    });
    return { product, version, server, checkRdb: beside('check-rdb'), checkAof: beside('check-aof') };
  } catch (error) {
    if (error instanceof BackupError) return undefined;
    throw error;
  }
}
