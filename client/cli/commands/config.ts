/** `config check | show | schema`. */
import type { Command } from 'commander';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';

export function registerConfig(program: Command, cli: OpenCli): void {
  const config = program.command('config').description('check and show the config');
  const check = config
    .command('check')
    .description('say everything that is wrong in the config, with line, column and what would be right')
    .action(() => checkCommand(cli()));
  examples(check, [['config check -c new.yaml', 'before it is put in place']]);
  const show = config
    .command('show')
    .description('print the effective config with all defaults; secrets are shown as references only')
    .action(() => showCommand(cli()));
  examples(show, [['config show', 'what the program goes by']]);
  const schema = config
    .command('schema')
    .description('print the JSON Schema of the config, for editors')
    .action(() => schemaCommand(cli()));
  examples(schema, [
    ['config schema > mosaic-backup.schema.json', 'then in the YAML: # yaml-language-server: $schema=…'],
  ]);
}

async function checkCommand(cli: Cli): Promise<void> {
  const [{ readConfig }, { formatProblem }, { exitStatus }, { timetableWarnings }] = await Promise.all([
    import('../../../activities/config/load.ts'),
    import('../../../model/config/problem.ts'),
    import('../../../model/errors.ts'),
    import('../../schedules/timetable.ts'),
  ]);
  const file = await cli.configFile();
  const parsed = await readConfig(file, cli.env);
  const problems = parsed.ok ? [] : parsed.problems;
  const warnings = parsed.ok ? timetableWarnings(parsed.config, Date.now()) : [];
  for (const warning of warnings) cli.out.note(`warning: ${warning}`);
  cli.out.result({ file, ok: parsed.ok, problems, warnings }, () =>
    parsed.ok ? `${file} is good` : problems.map(formatProblem).join('\n'),
  );
  if (!parsed.ok) cli.exitWith(exitStatus('config'));
}

/** Asks for no host: what is shown is the same on each. */
async function showCommand(cli: Cli): Promise<void> {
  const [{ readConfig, configError }, { effectiveConfig }, { stringify }] = await Promise.all([
    import('../../../activities/config/load.ts'),
    import('../../../model/config/show.ts'),
    import('yaml'),
  ]);
  const file = await cli.configFile();
  const parsed = await readConfig(file, cli.env);
  if (!parsed.ok) throw configError(file, parsed.problems);
  const config = effectiveConfig(parsed.config);
  cli.out.result({ file, config }, () => `# ${file}, with all defaults\n${stringify(config)}`);
}

async function schemaCommand(cli: Cli): Promise<void> {
  const { configSchema } = await import('../../../model/config/keys-at.ts');
  const schema = configSchema();
  cli.out.result(schema, () => JSON.stringify(schema, null, 2));
}
