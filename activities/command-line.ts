/** The product's own command line, as a program: drills give the commands of the runbook word for word. It is run, never imported. */
import path from 'node:path';
import type { Program } from './streams/types.ts';

/** Name by which operators call it. */
const NAME = 'mosaic-backup';

const ROOT = path.join(import.meta.dirname, '..');
const KIND = path.extname(import.meta.filename);

/** Beside this folder: the same in a checkout and in the published build. */
const ENTRY = path.join(ROOT, 'client', 'cli', `main${KIND}`);

/** Compiled code of a checkout, where infra/mosaic-backup has it too: each source of a drill starts half a second earlier. A service may not name it. */
const COMPILED = KIND === '.ts' ? path.join(ROOT, 'node_modules', '.cache', 'mosaic-backup') : undefined;

export interface OwnCommand {
  /** As an operator types it. */
  readonly words: readonly string[];
  /** The same, run by the Node of this process. Its one document on stdout is JSON. */
  readonly program: Program;
}

/** @param args without the name of the program. */
export function ownCommand(args: readonly string[]): OwnCommand {
  return {
    words: [NAME, ...args],
    program: {
      command: process.execPath,
      args: [ENTRY, '--json', ...args],
      env: { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? COMPILED },
      accept: FAILURES,
    },
  };
}

/** Its exit codes that come with an error as JSON. */
const FAILURES = [1, 2, 3, 4, 5, 6, 7, 8, 9];
