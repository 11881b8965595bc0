/** The registry of source types: one line each. */
import { BackupError } from '../../model/errors.ts';
import type { SourceType } from '../../model/source.ts';
import { files } from './files/index.ts';
import { mariadb } from './mariadb/index.ts';
import { postgres } from './postgres/index.ts';
import { redis } from './redis/index.ts';
import type { LogsAdapter, SourceAdapter } from './types.ts';

const ADAPTERS: Readonly<Partial<Record<SourceType, SourceAdapter>>> = {
  files,
  mariadb,
  postgres,
  redis,
};

/** @throws BackupError `config` for a type that this version cannot capture. */
export function adapterFor(type: SourceType): SourceAdapter {
  const adapter = ADAPTERS[type];
  if (adapter) return adapter;
  throw new BackupError('config', `Sources of type ${type} are not known to this version`, {
    remedy: `Use one of: ${Object.keys(ADAPTERS).join(', ')}.`,
  });
}

/** The continuous logs of a type; undefined where it has none, or this version cannot capture it at all. */
export function logsOf(type: SourceType): LogsAdapter | undefined {
  return ADAPTERS[type]?.logs;
}

/** How a type finds what a recovery needs; undefined where its backups are one moment each. */
export function selectorOf(type: SourceType): SourceAdapter['select'] {
  return ADAPTERS[type]?.select;
}
