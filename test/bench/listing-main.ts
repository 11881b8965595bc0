/** One command of the command line, whose output goes nowhere; says its own peak memory in kilobytes. */
import { createWriteStream } from 'node:fs';
import { startCommand } from '../../client/cli/start.ts';

const args = JSON.parse(process.argv[2] ?? '') as string[]; // written by the benchmark
// Of a terminal's stream the command line uses only what is given here.
const stdout = Object.assign(createWriteStream('/dev/null'), {
  isTTY: false,
  columns: 80,
}) as unknown as NodeJS.WriteStream;
const status = await startCommand(args, {
  env: process.env,
  cwd: process.cwd(),
  stdout,
  stderr: process.stderr,
  version: '0',
});
process.stdout.write(`${JSON.stringify({ status, peak: process.resourceUsage().maxRSS })}\n`);
process.exitCode = status;
