/**
 * The product's own command line: drills give the commands of the runbook word for word. Whoever starts the worker has it and gives it, since activities
 * know no client.
 */

/** Name by which operators call it. */
export const COMMAND = 'mosaic-backup';

export interface Commanded {
  /** One document, JSON: the result, or the error. */
  readonly stdout: string;
  /** Its remarks. */
  readonly stderr: string;
}

/**
 * Runs a command in this process, from the parsing of its words to its result: one of its own would take as long to load as a small restore takes.
 * @param args without the name of the program.
 * @param signal ends it, as ^C does.
 */
export type CommandLine = (args: readonly string[], signal: AbortSignal) => Promise<Commanded>;
