/** mariadb-check: every page, row and index of a restored server. */
import { Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { BackupError } from '../../../model/errors.ts';
import type { Check } from '../../../model/evidence.ts';
import { runPipeline } from '../../streams/pipeline.ts';
import type { Work } from '../../work.ts';
import { failed, notCompared, passed, some } from './checks.ts';
import { optionFile, type Connection } from './connection.ts';

/** Runs it on all databases. It ends with 0 also when a table is corrupt, so what it prints is the answer. */
export async function checkTables(connection: Connection, work: Work): Promise<Check> {
  let printed = '';
  const program = {
    command: 'mariadb-check',
    args: ['--defaults-file=/dev/fd/3', '--all-databases', '--check', '--extended'],
    inputs: [optionFile(connection)],
    env: { MYSQL_PWD: undefined, MYSQL_HOST: undefined, MYSQL_TCP_PORT: undefined, MYSQL_UNIX_PORT: undefined },
    cwd: '/',
  };
  try {
    await runPipeline({
      programs: [program],
      drain: async (fd) => {
        printed = await text(new Socket({ fd, readable: true, writable: false }));
      },
      bytes: () => 0,
      phase: 'checking tables',
      total: null,
      work,
    });
    return judge(printed);
  } catch (error) {
    if (error instanceof BackupError && error.code === 'missing-program') {
      return notCompared('mariadb-check', `tables not checked: ${error.message} ${error.remedy ?? ''}`);
    }
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    // The server ends itself on some damaged pages, and its client with it.
    return failed('mariadb-check', `${error.message} ${String(error.facts['stderr'] ?? '')}`.trim());
  }
}

interface Verdict {
  readonly table: string;
  readonly messages: string[];
}

/** `shop.t   OK`, or the name alone and its messages below it: `error    : Corrupt`. */
const SOUND = /^(\S.*\S)\s+OK$/;
const MESSAGE = /^(error|warning|note|status|info)\s*: (.*)$/i;
const HARMLESS = /^(warning|note|info|status)\s*: /i;
const UNSUPPORTED = /storage engine for the table doesn't support check/i;

/** Judges its output. Whatever is not understood counts as bad. */
export function judge(printed: string): Check {
  const sound: string[] = [];
  const others: Verdict[] = [];
  for (const line of printed.split('\n').filter((each) => each.trim() !== '')) {
    const name = SOUND.exec(line)?.[1];
    if (MESSAGE.test(line)) others.at(-1)?.messages.push(line);
    else if (name !== undefined) sound.push(name);
    else others.push({ table: line.trim(), messages: [] });
  }
  const unsupported = others.filter(({ messages }) => messages.some((message) => UNSUPPORTED.test(message)));
  const bad = others.filter((verdict) => !unsupported.includes(verdict) && !isSound(verdict));
  const aside = unsupported.length > 0 ? `; ${unsupported.length} are of engines that cannot be checked` : '';
  if (bad.length > 0) {
    const names = bad.map(({ table, messages }) => `${table} (${messages.map(shortened).join(', ') || 'no answer'})`);
    return failed('mariadb-check', `${bad.length} tables are damaged: ${some(names)}${aside}`);
  }
  const checked = sound.length + others.length - unsupported.length;
  if (checked === 0) return failed('mariadb-check', 'mariadb-check looked at no table');
  return passed('mariadb-check', `${checked} tables and their indexes are sound${aside}`);
}

/** A warning, then `status   : OK`: MyISAM says so of tables that were open. */
function isSound({ messages }: Verdict): boolean {
  return messages.every((message) => HARMLESS.test(message)) && messages.some((message) => message.endsWith(': OK'));
}

function shortened(message: string): string {
  return message.replace(/\s+: /, ': ');
}
