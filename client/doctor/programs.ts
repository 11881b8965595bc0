/** The programs that every capture and restore calls. What a source needs besides, its own preflight knows. */
import { programVersion } from '../../activities/streams/versions.ts';
import { locate } from '../../activities/streams/locate.ts';
import { BackupError } from '../../model/errors.ts';
import type { Finding } from '../../model/finding.ts';
import { problem, warning, type Seen } from './examine.ts';

const NEEDED = ['age', 'zstd', 'tar', 'setpriv', 'perl'] as const;
/** Node of this version runs the program as it is. */
const NODE = 24;

export async function examinePrograms(): Promise<Seen> {
  const looked = await Promise.all(NEEDED.map(look));
  const versions = looked.flatMap(({ version }) => (version === undefined ? [] : [version]));
  const findings = looked.flatMap(({ finding }) => (finding === undefined ? [] : [finding]));
  return {
    facts: [`node ${process.versions.node}`, ...versions].join(', '),
    findings: [...findings, ...nodeFinding(), ...jqFinding()],
  };
}

async function look(program: string): Promise<{ readonly version?: string; readonly finding?: Finding }> {
  try {
    return { version: `${program} ${await programVersion(program)}` };
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return { finding: problem('programs.missing', error.message, error.remedy ?? null, program) };
  }
}

function nodeFinding(): readonly Finding[] {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= NODE) return [];
  return [problem('programs.node', `Node ${process.versions.node} is too old`, `Use Node ${NODE} or newer.`, 'node')];
}

/** Only a person who opens a backup by hand needs it. */
function jqFinding(): readonly Finding[] {
  try {
    locate('jq');
    return [];
  } catch (error) {
    if (!(error instanceof BackupError)) throw error;
    return [
      warning(
        'programs.jq',
        'jq is not here: backups cannot be opened by hand as the recovery kit shows',
        'apt-get install jq',
        'jq',
      ),
    ];
  }
}
