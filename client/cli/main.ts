#!/usr/bin/env node
/** The entry of the command line. */
import { productVersion } from '../../activities/version.ts';
import { startCommand } from './start.ts';

const { argv, env, stdout, stderr } = process;

// `mosaic-backup list | head`: the reader has what it wants.
stdout.on('error', leaveQuietly);
stderr.on('error', leaveQuietly);
process.exitCode = await startCommand(argv.slice(2), {
  env,
  cwd: process.cwd(),
  stdout,
  stderr,
  version: productVersion,
});

function leaveQuietly(error: Error): void {
  if ('code' in error && error.code === 'EPIPE') process.exit();
  throw error;
}
