/** Whether a files source can be captured now. Reads only. */
import type { FilesSource } from '../../../model/config/source.ts';
import type { Finding } from '../../../model/finding.ts';
import { programVersion } from '../../streams/versions.ts';
import type { SourceContext } from '../types.ts';
import { findUnmounted, readFstab } from './fstab.ts';
import { compareLayout, readLayout } from './layout.ts';
import { readMounts } from './mounts.ts';
import { select } from './selection.ts';
import { isRoot } from './tar.ts';

export async function preflight({ source, config, state }: SourceContext<FilesSource>): Promise<readonly Finding[]> {
  const mounts = await readMounts();
  const selection = await select(source, config, mounts);
  const last = await readLayout(state);
  return [
    ...(await findPrograms(source)),
    ...(isRoot() ? [] : [notRoot(source)]),
    ...selection.findings,
    ...findUnmounted(source, await readFstab(), mounts, selection),
    ...(last === undefined ? [] : compareLayout(source, state, last, selection)),
  ];
}

/** BusyBox has a tar and a find of its own, which know neither the options nor the formats. */
async function findPrograms(source: string): Promise<readonly Finding[]> {
  const [tar = '0', find = '0'] = await Promise.all(['tar', 'find'].map((program) => programVersion(program)));
  const findings: Finding[] = [];
  if (Number.parseFloat(tar) < 1.29) {
    findings.push({
      code: 'files.tar',
      severity: 'error',
      message: `the program tar is "${tar}"; GNU tar 1.29 or later is needed`,
      remedy: 'apt-get install tar',
      subject: source,
    });
  }
  if (Number.parseFloat(find) < 4) {
    findings.push({
      code: 'files.find',
      severity: 'error',
      message: `the program find is "${find}"; GNU find is needed`,
      remedy: 'apt-get install findutils',
      subject: source,
    });
  }
  return findings;
}

function notRoot(source: string): Finding {
  return {
    code: 'files.not-root',
    severity: 'warning',
    message: 'the worker does not run as root: files of others may be unreadable, and some attributes are not seen',
    remedy: 'Run the worker as root, or with CAP_DAC_READ_SEARCH.',
    subject: source,
  };
}
