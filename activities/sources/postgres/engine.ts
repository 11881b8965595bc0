/** The server's make, for the manifest: what a restore must be compatible with. */
import { arch, report } from 'node:process';
import { z } from 'zod';
import type { Manifest } from '../../../model/manifest.ts';
import type { Container } from '../../containers/container.ts';
import type { Facts } from './facts.ts';
import { majorOf } from './facts.ts';

/** Version, C library, architecture, collation versions, page and segment sizes. */
export function describeEngine(facts: Facts, image?: Container['image']): Manifest['engine'] {
  const { settings, build, collations, versionNumber } = facts;
  // "PostgreSQL 15.18 (Debian …) on x86_64-pc-linux-gnu, compiled by …"
  const platform = / on ([^,]+),/.exec(build)?.[1] ?? '';
  const libc = collations.find(({ provider }) => provider === 'c')?.version;
  const icu = collations.find(({ provider }) => provider === 'i')?.version;
  return {
    version: settings.server_version?.split(' ')[0] ?? '',
    major: majorOf(versionNumber),
    libc: [libcName(platform), ...(libc === undefined ? [] : [libc])].join(' '),
    arch: platform.split('-')[0] ?? '',
    collation: [...(libc === undefined ? [] : [`libc ${libc}`]), ...(icu === undefined ? [] : [`icu ${icu}`])].join(
      ', ',
    ),
    blockSize: Number(settings.block_size),
    walSegmentSize: Number(settings.wal_segment_size),
    dataChecksums: settings.data_checksums === 'on',
    preloaded: settings.shared_preload_libraries ?? '',
    image: image ? imageName(image) : null,
  };
}

/** `postgres:16-alpine@sha256:…`: by its digest it is had again. */
function imageName({ name, digest }: Container['image']): string {
  return name.includes('@') || name === digest ? name : `${name}@${digest}`;
}

function libcName(platform: string): string {
  if (platform.includes('musl')) return 'musl';
  return platform.includes('gnu') ? 'glibc' : platform;
}

/** This machine's architecture as PostgreSQL calls it. */
export function machine(): string {
  if (arch === 'x64') return 'x86_64';
  return arch === 'arm64' ? 'aarch64' : arch;
}

/** Whether data that were sorted by this C library (`musl`, `glibc 2.36`) are on a machine with another kind. */
export function foreignLibc(libc: string): boolean {
  return libc.startsWith('musl') !== hasMusl();
}

/** glibc is the only one that tells Node its version. */
function hasMusl(): boolean {
  const { header } = report.getReport() as { readonly header: { readonly glibcVersionRuntime?: string } };
  return header.glibcVersionRuntime === undefined;
}

const recorded = z.looseObject({ version: z.string() });

/** The major version that a backup needs. */
export function restoredMajor(manifest: Manifest): number {
  return Number.parseInt(recorded.parse(manifest.engine).version, 10);
}
