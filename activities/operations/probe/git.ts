/** Probes of a git repository: it is cloned from what was restored, and the clone is checked, object by object. */
import { lstat, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { GitProbe } from '../../../model/config/probe.ts';
import { BackupError } from '../../../model/errors.ts';
import { ifThere } from '../../storage/fs-errors.ts';
import { locate } from '../../streams/locate.ts';
import { runProgram, type Ran } from '../../streams/run.ts';
import { sandboxed } from './sandboxed.ts';
import { AT_ONCE, right, wrong, type ProbeContext, type Seen } from './types.ts';
import { withinRestored } from './within.ts';

/** @throws BackupError `missing-program`. */
export async function cloneGit({ git, branch, commit }: GitProbe, context: ProbeContext): Promise<Seen> {
  const repository = await repositoryAt(context.restored, git);
  if (repository === undefined) return wrong('there is no repository');
  const elsewhere = await objectsElsewhere(repository);
  if (elsewhere !== undefined) return wrong(`it has objects outside of what was restored: ${elsewhere}`);
  const run = await gitIn(context);
  try {
    // Over the protocol, so that each object is read and none is linked; with all refs; without hooks of a template.
    await run('clone', '--quiet', '--mirror', '--no-local', '--template=', '--', repository, 'clone');
    await run('--git-dir=clone', 'fsck', '--full', '--no-progress', '--no-dangling');
    const refs = (await run('--git-dir=clone', 'for-each-ref', '--format=%(refname)')).stdout.split('\n');
    const found = refs.filter((ref) => ref !== '').length;
    if (found === 0) return wrong('it has no branch');
    if (branch !== undefined && !refs.includes(`refs/heads/${branch}`)) return wrong(`it has no branch ${branch}`);
    if (commit !== undefined && !(await reaches(run, commit, branch))) {
      return wrong(`${commit} is not reachable${branch === undefined ? '' : ` from ${branch}`}`);
    }
    return right(`cloned with ${found} refs, and every object is sound`);
  } catch (error) {
    if (!(error instanceof BackupError) || error.code !== 'program-failed') throw error;
    return wrong(saidBy(error));
  }
}

type Git = (...args: readonly string[]) => Promise<Ran>;

/** git in the probe's folder. Nothing of the machine's or the repository's configuration may run anything. */
async function gitIn({ restored, scratch, work }: ProbeContext): Promise<Git> {
  const config = path.join(scratch, 'gitconfig');
  // Of whom a restored repository is does not matter; the setting counts only from such a file.
  await writeFile(config, '[safe]\n\tdirectory = *\n[core]\n\thooksPath = /dev/null\n\tfsmonitor = false\n');
  const folder = path.join(scratch, 'work');
  await mkdir(folder);
  const env = {
    GIT_CONFIG_GLOBAL: config,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_ALLOW_PROTOCOL: 'file',
    GIT_NO_LAZY_FETCH: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_CEILING_DIRECTORIES: scratch,
  };
  return async (...args) => {
    const command = [locate('git'), '-C', folder, ...args] as const;
    return runProgram(await sandboxed({ command, restored, service: null, writable: [scratch], env }), {
      signal: work.signal,
      ...AT_ONCE,
    });
  };
}

async function reaches(git: Git, commit: string, branch: string | undefined): Promise<boolean> {
  const from = branch === undefined ? '--all' : `refs/heads/${branch}`;
  const { stdout } = await git('--git-dir=clone', 'rev-list', from);
  return stdout.split('\n').includes(commit);
}

/** The folder of the repository itself: of a working copy it lies inside. */
async function repositoryAt(restored: string, git: string): Promise<string | undefined> {
  const folder = await withinRestored(restored, git);
  if (folder === undefined) return undefined;
  for (const candidate of [folder, path.join(folder, '.git')]) {
    const head = await ifThere(lstat(path.join(candidate, 'HEAD')));
    if (head) return candidate;
  }
  return undefined;
}

/** What git would read from elsewhere, which could be production's, whole where the restored is not. */
async function objectsElsewhere(repository: string): Promise<string | undefined> {
  for (const name of ['objects', 'objects/pack', 'refs', '.git', 'commondir', 'objects/info/alternates']) {
    const place = path.join(repository, name);
    const found = await ifThere(lstat(place));
    if (!found) continue;
    if (found.isSymbolicLink()) return `${name} is a link`;
    if (name === 'commondir') return 'it is a working tree of another repository';
    if (name === 'objects/info/alternates') return (await readFile(place, 'utf8')).split('\n')[0];
  }
  return undefined;
}

function saidBy({ message, facts }: BackupError): string {
  const said = String(facts['stderr'] ?? '')
    .split('\n')
    .map((line) => line.trim());
  return said.find((line) => /^(fatal|error|missing|broken|dangling)/.test(line)) ?? message;
}
