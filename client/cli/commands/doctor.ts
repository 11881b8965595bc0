/** `doctor`: everything that this host needs, each finding with its remedy. */
import type { Command } from 'commander';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { findingsText } from '../findings.ts';

export function registerDoctor(program: Command, cli: OpenCli): void {
  const doctor = program
    .command('doctor')
    .description(
      'check every privilege, setting, program, folder, key and destination; exit status 10 when a problem is found',
    )
    .action(() => doctorCommand(cli()));
  examples(doctor, [['doctor', 'after init, and after every change of the config']]);
}

async function doctorCommand(cli: Cli): Promise<void> {
  const [{ examineSite }, { exitStatus }] = await Promise.all([
    import('../../doctor/doctor.ts'),
    import('../../../model/errors.ts'),
  ]);
  const site = await cli.site();
  const examined = await examineSite(site, cli.env, await cli.work());
  const findings = examined.flatMap((one) => one.findings);
  const problems = findings.filter(({ severity }) => severity === 'error').length;
  cli.out.result({ ok: problems === 0, problems, file: site.file, host: site.host, examined, findings }, () => {
    const good = examined
      .filter((one) => one.findings.length === 0)
      .map(({ subject, facts }) => `${cli.out.style('green', 'ok')}  ${subject}${facts === '' ? '' : `: ${facts}`}`);
    const verdict = problems === 0 ? 'No problems.' : `${problems} ${problems === 1 ? 'problem' : 'problems'}.`;
    return [...good, ...(findings.length > 0 ? [findingsText(findings, cli.out)] : []), verdict].join('\n');
  });
  if (problems > 0) cli.exitWith(exitStatus('doctor-found-problems'));
}
