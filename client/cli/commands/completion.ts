/** `completion`: scripts for shells, and the hidden `complete` that they call back. */
import { Argument, type Command } from 'commander';
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
  const lines = completionLines(await complete(program, words, namesOf(cli)));
  cli.out.result({ lines }, () => lines.join('\n'));
}

/** Nothing is offered where the config or the repository cannot be read: a completion never complains. */
function namesOf(cli: Cli): Names {
  return {
    sources: () =>
      cli.site().then(
        ({ config }) => Object.keys(config.sources),
        () => [],
      ),
    destinations: () =>
      cli.site().then(
        ({ config }) => Object.keys(config.destinations),
        () => [],
      ),
    references: () => references(cli).catch(() => []),
  };
}

async function references(cli: Cli): Promise<readonly string[]> {
  const [{ openRepository }, { listBackups }, { formatReference }] = await Promise.all([
    import('../../../activities/storage/repository.ts'),
    import('../../../activities/storage/catalogue.ts'),
    import('../../../model/reference.ts'),
  ]);
  return (await listBackups(await openRepository(await cli.site()))).map(({ name }) => formatReference(name));
}
