/** Writes a capture's artifacts into its staging folder, with the limits and compression of its source. */
import path from 'node:path';
import type { SourceConfig } from '../../model/config/source.ts';
import type { Artifact } from '../../model/manifest.ts';
import type { Site } from '../site.ts';
import type { ArtifactOptions, ArtifactWriter } from '../sources/types.ts';
import { DEFAULT_COMPRESSION } from '../streams/compression.ts';
import type { Program, Streamed } from '../streams/types.ts';
import { programVersion } from '../streams/versions.ts';
import { writeLines, writeStream } from '../streams/write.ts';
import type { Work } from '../work.ts';

export interface WriterOptions {
  readonly site: Site;
  readonly config: SourceConfig;
  readonly staging: string;
  /** The backup's own age recipient. */
  readonly recipient: string;
  /** Stored bytes of the last backup of this kind, for progress. */
  readonly expected: number | null;
  readonly work: Work;
}

export interface StagingWriter extends ArtifactWriter {
  /** Everything written so far, in the order of names, so that manifests are reproducible. */
  written(): Artifact[];
  /** Versions of the programs that every artifact went through. */
  tools(): Promise<Record<string, string>>;
}

export function artifactWriter({ site, config, staging, recipient, expected, work }: WriterOptions): StagingWriter {
  const artifacts: Artifact[] = [];
  // Asked for now, so that nobody waits for the answers in the end.
  const tools = versionsOf('zstd', 'age');
  tools.catch(() => undefined);
  const compression = {
    level: config.compression?.level ?? DEFAULT_COMPRESSION.level,
    threads: config.compression?.threads ?? DEFAULT_COMPRESSION.threads,
  };

  function record(options: ArtifactOptions, { bytes, sha256, plainBytes }: Streamed): Artifact {
    const artifact = {
      role: options.role,
      name: fileName(options),
      bytes,
      sha256,
      plainBytes,
      ...(options.export && { export: options.export }),
    };
    artifacts.push(artifact);
    return artifact;
  }

  return {
    async stream(producer: Program | readonly Program[], options: ArtifactOptions) {
      const streamed = await writeStream({
        producer,
        recipient,
        file: path.join(staging, fileName(options)),
        compression,
        limits: config.limits ?? {},
        minPlainBytes: options.minPlainBytes,
        total: expected,
        phase: 'capturing',
        redact: site.redact,
        work,
      });
      return { ...record(options, streamed), streamed };
    },
    async lines(lines: AsyncIterable<string> | Iterable<string>, options: ArtifactOptions) {
      const file = path.join(staging, fileName(options));
      return record(
        options,
        await writeLines({ lines, recipient, file, compression, minPlainBytes: options.minPlainBytes, work }),
      );
    },
    written: () => artifacts.toSorted((a, b) => a.name.localeCompare(b.name)),
    tools: () => tools,
  };
}

async function versionsOf(...programs: readonly string[]): Promise<Record<string, string>> {
  const versions = await Promise.all(programs.map((program) => programVersion(program)));
  return Object.fromEntries(programs.map((program, index) => [program, versions[index] ?? '']));
}

function fileName({ name }: ArtifactOptions): string {
  return `${name}.zst.age`;
}
