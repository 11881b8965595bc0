/** Folders and files, by GNU tar: full and incremental. */
import type { FilesSource } from '../../../model/config/source.ts';
import type { SourceAdapter } from '../types.ts';
import { capture } from './capture.ts';
import { check } from './check.ts';
import { decideKind } from './kind.ts';
import { preflight } from './preflight.ts';
import { restore } from './restore.ts';

export const files: SourceAdapter<FilesSource> = {
  type: 'files',
  preflight,
  async nextKind({ source, config, state, work }, chain) {
    const { kind, unexpected } = await decideKind(config, state, chain);
    if (unexpected !== null)
      work.log.warn({ source, reason: unexpected }, 'the next backup is a full though none is due');
    return kind;
  },
  capture,
  restore,
  needs: () => [{ program: 'tar', package: 'tar', version: null }],
  check,
};
