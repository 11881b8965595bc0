/** A site: the whole config file. Its JSON Schema is made of this schema. */
import { z } from 'zod';
import { name } from '../source.ts';
import { duration } from '../units.ts';
import { destinationConfig } from './destination.ts';
import { secret } from './secret.ts';
import { sourceConfig } from './source.ts';

const plan = z.strictObject({
  /** How long a capture is tried again; always shorter than the plan's interval. */
  captureDeadline: duration.prefault('2h'),
  copyDeadline: duration.prefault('1h'),
  verifyDeadline: duration.prefault('1h'),
  retryFirst: duration.prefault('5s'),
  retryMax: duration.prefault('5m'),
  heartbeat: duration.prefault('30s'),
  standstill: duration.prefault('10m'),
  busy: duration.prefault('10m'),
});

export const siteConfig = z.strictObject({
  site: name,
  hosts: z
    .record(
      name,
      z.strictObject({
        repository: z.string().startsWith('/').optional(),
        state: z.string().startsWith('/').optional(),
      }),
    )
    .optional(),
  coordinator: name.optional(),
  repository: z.string().startsWith('/', 'a path starts at the root'),
  state: z.string().startsWith('/', 'a path starts at the root').default('/var/lib/mosaic-backup'),
  temporal: z
    .strictObject({
      /** A profile of Temporal's own config file; its variables (TEMPORAL_ADDRESS, …) count as well. */
      profile: z.string().min(1).optional(),
      configFile: z.string().min(1).optional(),
      address: z.string().min(1).optional(),
      namespace: z.string().min(1).optional(),
      /** Ports of the embedded server, used where no address is set. */
      embedded: z
        .strictObject({
          port: z.int().min(1).max(65535).default(7233),
          uiPort: z.int().min(1).max(65535).default(8233),
        })
        .prefault({}),
    })
    .prefault({}),
  encryption: z.strictObject({
    recipients: z.array(z.string()).min(2, 'at least two recipients, so that one lost key loses nothing'),
    /** Only where restores run. */
    identity: secret.optional(),
  }),
  signing: z.strictObject({
    /** This host's Ed25519 private key, PEM (PKCS #8). */
    key: secret.optional(),
    /** Public keys whose signatures are believed, base64 of the 32 raw bytes. */
    trusted: z.array(z.string()).default([]),
  }),
  sources: z.record(name, sourceConfig),
  destinations: z.record(name, destinationConfig).default({}),
  plans: z.strictObject({ daily: plan.prefault({}) }).prefault({}),
});
export type SiteConfig = z.output<typeof siteConfig>;
