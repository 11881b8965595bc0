/** The product's own command line, as a program: drills give the commands of the runbook word for word. It is run, never imported. */
import path from 'node:path';
import type { Program } from './streams/types.ts';

/** Name by which operators call it. */
const NAME = 'mosaic-backup';

/** Beside this folder: the same in a checkout and in the published build. */
const ENTRY = path.join(import.meta.dirname, '..', 'client', 'cli', `main${path.extname(import.meta.filename)}`);

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
    program: { command: process.execPath, args: [ENTRY, '--json', ...args], accept: FAILURES },
  };
}

/** Its exit codes that come with an error as JSON. */
const FAILURES = [1, 2, 3, 4, 5, 6, 7, 8, 9];
