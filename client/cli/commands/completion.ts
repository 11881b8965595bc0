/** `completion`: scripts for shells, and the hidden `complete` that they call back. */
import { Argument, type Command } from 'commander';
import type { Site } from '../../../activities/site.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Names } from '../complete.ts';
import type { Cli } from '../context.ts';

const SHELLS = ['bash', 'zsh', 'fish'];

export function registerCompletion(program: Command, cli: OpenCli): void {
  const completion = program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .action((shell: string) => scriptCommand(cli(), shell));
  examples(completion, [
    ['completion bash > /etc/bash_completion.d/mosaic-backup', 'for everybody on this machine'],
    ['completion zsh > ~/.zfunc/_mosaic-backup', 'where fpath has ~/.zfunc'],
    ['completion fish > ~/.config/fish/completions/mosaic-backup.fish', 'for oneself'],
  ]);
  program
    .command('complete', { hidden: true })
    .argument('[words...]')
    .action((words: readonly string[]) => completeCommand(program, cli(), words));
}

async function scriptCommand({ out }: Cli, shell: string): Promise<void> {
  const { COMPLETION_SCRIPTS, isShell } = await import('../completion-scripts.ts');
  if (!isShell(shell)) throw new TypeError('the choices of the argument are the shells');
  const script = COMPLETION_SCRIPTS[shell];
  out.result({ shell, script }, () => script);
}

async function completeCommand(program: Command, cli: Cli, words: readonly string[]): Promise<void> {
  const { complete, completionLines } = await import('../complete.ts');
  const lines = completionLines(await complete(program, words, namesOf(cli, words)));
  cli.out.result({ lines }, () => lines.join('\n'));
}

/** Nothing is offered where the config or the repository cannot be read: a completion never complains. */
function namesOf(cli: Cli, words: readonly string[]): Names {
  const site = () => siteOf(cli, words);
  return {
    sources: () =>
      site().then(
        ({ config }) => Object.keys(config.sources),
        () => [],
      ),
    destinations: () =>
      site().then(
        ({ config }) => Object.keys(config.destinations),
        () => [],
      ),
    plans: () =>
      site().then(
        ({ config }) => Object.keys(config.plans.custom),
        () => [],
      ),
    references: () =>
      site()
        .then(references)
        .catch(() => []),
  };
}

/** The site of the half-written line: its -c is among the words, and no option of this command's own. */
async function siteOf({ env, cwd }: Cli, words: readonly string[]): Promise<Site> {
  const { loadSite } = await import('../../../activities/config/load.ts');
  const after = (flags: readonly string[]) => words[words.findLastIndex((word) => flags.includes(word)) + 1];
  const named = words.some((word) => word === '-c' || word === '--config');
  const host = words.includes('--host') ? after(['--host']) : undefined;
  return loadSite({ file: named ? after(['-c', '--config']) : undefined, host, env, cwd });
}

async function references(site: Site): Promise<readonly string[]> {
  const [{ openRepository }, { listBackups }, { formatReference }] = await Promise.all([
    import('../../../activities/storage/repository.ts'),
    import('../../../activities/storage/catalogue.ts'),
    import('../../../model/reference.ts'),
  ]);
  return (await listBackups(await openRepository(site), { logs: false })).map(({ name }) => formatReference(name));
}
