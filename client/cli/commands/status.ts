/** `status`: how each source stands. Always exit status 0: `doctor` is the one whose status is a verdict. */
import type { Command } from 'commander';
import type { SiteStatus, SourceStatus } from '../../backups/status.ts';
import { examples, type OpenCli } from '../command.ts';
import type { Cli } from '../context.ts';
import { findingsText } from '../findings.ts';
import { table } from '../output.ts';

export function registerStatus(program: Command, cli: OpenCli): void {
  const status = program
    .command('status')
    .description(
      'say how each source stands: newest backup, objective, checks, copies by 3-2-1 (exit status 0 either way)',
    )
    .action(() => statusCommand(cli()));
  examples(status, [
    ['status', 'at a glance'],
    ['status --json | jq \'.findings[] | select(.severity == "error")\'', 'for a monitor'],
  ]);
}

async function statusCommand(cli: Cli): Promise<void> {
  const [{ lossOf, siteStatus }, { formatBytes, formatDuration }] = await Promise.all([
    import('../../backups/status.ts'),
    import('../../../model/units.ts'),
  ]);
  const status = await siteStatus(await cli.site());
  const { out } = cli;

  function row(status: SourceStatus): string[] {
    const { source, newest, ahead, age, objective, checked, proven, copies, devices, offsite, places } = status;
    const loss = lossOf(status);
    const late = loss === null || (objective !== null && loss > objective);
    const none = ahead.length > 0 ? 'of the future' : 'no backup';
    const ageText = age === null ? none : formatDuration(age);
    const checkedStyle =
      checked === 'damaged' || checked === 'broken' ? 'red' : checked === 'unverified' ? 'yellow' : 'green';
    return [
      source,
      newest ?? '',
      late ? out.style('red', ageText) : ageText,
      objective === null ? '' : formatDuration(objective),
      checked === null ? '' : out.style(checkedStyle, checked),
      proven === null ? (newest === null ? '' : 'never') : `${formatDuration(Date.now() - Date.parse(proven))} ago`,
      `${copies} of 3`,
      `${devices} of 2`,
      `${offsite} of 1`,
      places.join(', '),
    ];
  }

  const logged = status.sources.filter(({ logs }) => logs !== null);

  /** The latest time to which a source can be restored now, from each place a line. */
  function logsRows({ source, logs }: SourceStatus): string[][] {
    if (!logs || logs.places.length === 0) return [[source, out.style('red', 'no point-in-time recovery yet')]];
    return logs.places.map(({ restorableUntil, lag, place, base }) => [
      source,
      restorableUntil,
      lag === null ? 'of the future' : formatDuration(lag),
      place,
      base,
    ]);
  }

  function destinationRow(of: SiteStatus['destinations'][number]): string[] {
    const { destination, state, backups, bytes, since, logs, newest } = of;
    const style = state === 'served' ? 'green' : state === 'unreachable' ? 'red' : 'yellow';
    return [
      destination,
      out.style(style, state),
      String(backups),
      backups > 0 ? formatBytes(bytes) : '',
      since ?? '',
      logs === null ? '' : String(logs),
      newest ?? '',
    ];
  }

  const { lastRun } = status;
  const ran = lastRun
    ? `\nLast run: ${lastRun.id}: ${lastRun.outcome}${lastRun.wholeNow ? '; every copy was made since: whole now' : ''}`
    : '';

  out.result({ ...status }, () => {
    const kit =
      status.kitConfirmed === null
        ? out.style('red', 'NOT confirmed as stored elsewhere')
        : `confirmed ${status.kitConfirmed}`;
    const parts = [
      `${status.site}, seen from ${status.host}. Recovery kit: ${kit}${ran}`,
      table(
        ['source', 'newest', 'age', 'objective', 'checked', 'proven', 'copies', 'devices', 'off-site', 'at'],
        status.sources.map(row),
        ['age', 'objective'],
      ),
      ...(logged.length > 0
        ? [table(['source', 'restorable until', 'lag', 'at', 'from'], logged.flatMap(logsRows), ['lag'])]
        : []),
      ...(status.destinations.length > 0
        ? [
            table(
              ['destination', 'state', 'behind', 'bytes', 'since', 'logs behind', 'newest there'],
              status.destinations.map(destinationRow),
              ['behind', 'bytes', 'logs behind'],
            ),
          ]
        : []),
      ...(status.drills.length > 0
        ? [
            table(
              ['drill', 'outcome', 'ago', 'RTO', 'RPO', 'missed'],
              status.drills.map(({ scenario, outcome, age, rto, rpo, missed }) => [
                scenario,
                out.style(outcome === 'complete' ? 'green' : outcome === 'failed' ? 'red' : 'yellow', outcome),
                formatDuration(age),
                rto === null ? 'none' : formatDuration(rto),
                rpo === null ? 'not known' : formatDuration(rpo),
                missed === '' ? '' : out.style('red', missed),
              ]),
              ['ago', 'RTO', 'RPO'],
            ),
          ]
        : []),
      findingsText(status.findings, out),
    ];
    return parts.filter((part) => part !== '').join('\n\n');
  });
}
