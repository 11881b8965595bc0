#!/usr/bin/env node
/** The entry of the command line. */
import { productVersion } from '../../activities/version.ts';
import { startCommand } from './start.ts';

const { argv, env, stdout, stderr } = process;

stdout.on('error', goOnUnread);
stderr.on('error', goOnUnread);
process.exitCode = await startCommand(argv.slice(2), {
  env,
  cwd: process.cwd(),
  stdout,
  stderr,
  version: productVersion,
});

/**
 * `mosaic-backup verify latest --deep 2>&1 | head`: the reader has what it wants. The command goes on without one: leaving
 * here would skip its cleaning up, and report as done what was cut off.
 */
function goOnUnread(error: Error): void {
  if (!('code' in error) || error.code !== 'EPIPE') throw error;
}
