/** The server's make, for the manifest: what a restore must be compatible with. */
import { arch } from 'node:process';
import { z } from 'zod';
import type { Manifest } from '../../../model/manifest.ts';
import { releaseOf, seriesOf, type Facts } from './facts.ts';

/** What is read again of it. */
export const engine = z.looseObject({
  version: z.string(),
  series: z.string(),
  arch: z.string(),
  pageSize: z.number(),
  dataFilePath: z.string(),
  lowerCaseTableNames: z.string(),
  /** Plugins that were loaded from libraries, as `NAME (type)`. */
  plugins: z.array(z.string()),
  encrypted: z.boolean(),
});
export type Engine = z.infer<typeof engine>;

export function describeEngine({ version, settings, plugins }: Facts): Manifest['engine'] {
  return {
    version: releaseOf(version),
    series: seriesOf(version),
    build: version,
    arch: settings.VERSION_COMPILE_MACHINE ?? '',
    pageSize: Number(settings.INNODB_PAGE_SIZE),
    dataFilePath: settings.INNODB_DATA_FILE_PATH ?? '',
    lowerCaseTableNames: settings.LOWER_CASE_TABLE_NAMES ?? '0',
    plugins: plugins.map(({ name, type }) => `${name} (${type.toLowerCase()})`),
    encrypted: plugins.some(({ type }) => type === 'ENCRYPTION'),
    image: null,
  } satisfies Engine & { readonly build: string; readonly image: null };
}

/** Arguments without which no server starts on the data, or names tables otherwise. */
export function neededArguments(recorded: Manifest['engine']): readonly string[] {
  const { pageSize, dataFilePath, lowerCaseTableNames } = engine.parse(recorded);
  return [
    `--innodb-page-size=${pageSize}`,
    ...(dataFilePath === '' ? [] : [`--innodb-data-file-path=${dataFilePath}`]),
    `--lower-case-table-names=${lowerCaseTableNames}`,
  ];
}

/** This machine's architecture as MariaDB calls it. */
export function machine(): string {
  if (arch === 'x64') return 'x86_64';
  return arch === 'arm64' ? 'aarch64' : arch;
}
