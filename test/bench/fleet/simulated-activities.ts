/**
 * Simulated steps of hosts that are not there: each ends at once, with the result that a small real one has. So what is measured is
 * what Temporal, the workflows and the workers cost.
 */
import type { BackupActivities } from '../../../activities/backup.ts';
import type { CoordinationActivities } from '../../../activities/coordination.ts';
import type { ShortActivities } from '../../../activities/short.ts';
import { DEFAULT_WAITS, type Fleet } from './messages.ts';

const SHA256 = 'ab'.repeat(32);

export function simulatedCoordination({
  site,
  hosts,
  sources,
}: Fleet): Pick<CoordinationActivities, 'planRun' | 'signRecoveryPoint'> {
  return {
    planRun: async ({ plan, scheduled }) => ({
      runId: `${plan}-${scheduled}`,
      site,
      plan,
      scheduled,
      phases: [
        {
          group: 'databases',
          steps: Array.from({ length: hosts * sources }, (_, index) => ({
            source: `source-${index}`,
            type: 'postgres',
            group: 'databases',
            host: hostName(index % hosts),
            tier: 'daily',
            destinations: ['vault'],
          })),
        },
      ],
      waits: DEFAULT_WAITS,
      retention: false,
      notified: false,
      configDigest: SHA256,
    }),
    signRecoveryPoint: async () => ({ warnings: [] }),
  };
}

export function simulatedBackup(): Pick<BackupActivities, 'capture' | 'copy' | 'verify'> {
  return {
    capture: async ({ step, scheduled }) => ({
      hooks: { skipped: null, warnings: [] },
      captured: {
        backup: { reference: `daily/${step.source}/${scheduled}-full`, sha256: SHA256 },
        kind: 'full',
        bytes: 250_000_000,
        plainBytes: 1_000_000_000,
        milliseconds: 1,
        warnings: [],
        partial: false,
        existed: false,
        facts: { consistency: 'crash', position: { timeline: 1, endLsn: '0/2000138' }, image: null },
      },
    }),
    copy: async ({ destination }) => ({ destination, bytes: 250_000_000, milliseconds: 1 }),
    verify: async () => ({ ok: true }),
  };
}

export function simulatedShort(): Pick<ShortActivities, 'ping'> {
  return { ping: async () => ({ machine: 'simulated', version: '0' }) };
}

export function hostName(index: number): string {
  return `host-${index}`;
}
