/** A site: the whole config file. Its JSON Schema is made of this schema; what one field cannot say is in checks.ts. */
import { z } from 'zod';
import { NAME, name } from '../source.ts';
import { destinationConfig } from './destination.ts';
import { absolutePath, port, publicKey, recipient } from './fields.ts';
import { notifierConfig } from './notify.ts';
import { plansConfig } from './plans.ts';
import { siteRetention, timeZone } from './retention.ts';
import { secret } from './secret.ts';
import { sourceConfig } from './source.ts';
import { temporalTls } from './temporal.ts';
import { watchdogConfig } from './watchdog.ts';
import { metricsConfig, ofHost, workerConfig } from './worker.ts';

export const DEFAULT_STATE = '/var/lib/mosaic-backup';

/** A mapping by names. They are checked in checks.ts, so that one bad name hides no error below it. */
function named<Value extends z.ZodType>(value: Value) {
  return z.record(z.string(), value).meta({ propertyNames: { type: 'string', pattern: NAME.source } });
}

export const siteConfig = z.strictObject({
  site: name.describe('the name of the installation'),
  timeZone,
  hosts: named(z.strictObject({ repository: absolutePath.optional(), state: absolutePath.optional(), ...ofHost }))
    .optional()
    .describe('the machines with a worker; absent: this one alone'),
  coordinator: z
    .string()
    .optional()
    .describe('the host that reads the config at the start of a run, and signs recovery points'),
  repository: absolutePath.describe('the local folder of backups: copy 1'),
  state: absolutePath.default(DEFAULT_STATE).describe("the program's working memory"),
  worker: workerConfig,
  metrics: metricsConfig.optional(),
  temporal: z
    .strictObject({
      profile: z
        .string()
        .min(1)
        .optional()
        .describe("a profile of Temporal's own config file; TEMPORAL_ADDRESS and the like count as well"),
      configFile: absolutePath.optional(),
      address: z.string().min(1).optional().describe('absent: the server embedded in `mosaic-backup up`'),
      namespace: z.string().min(1).optional(),
      tls: temporalTls.optional(),
      apiKey: secret.optional().describe('sent with each request, and never without TLS'),
      embedded: z
        .strictObject({ port: port.default(7233), uiPort: port.default(8233) })
        .prefault({})
        .describe('ports of the embedded server'),
    })
    .prefault({}),
  encryption: z
    .strictObject({
      recipients: z
        .array(recipient)
        .min(
          2,
          'fewer than two recipients\nList at least two, kept in different places, so that one lost key loses nothing.',
        )
        .describe('age recipients (age1…) that can open every backup'),
      identity: secret.optional().describe('an age identity file; only where restores run'),
    })
    .describe('who can open the backups'),
  signing: z
    .strictObject({
      key: secret.optional().describe("this host's Ed25519 private key, PEM (PKCS #8)"),
      trusted: z
        .array(publicKey)
        .default([])
        .describe('public keys whose signatures are believed, base64 of the 32 raw bytes'),
      revoked: z
        .array(
          z.strictObject({
            key: publicKey.describe('a public key, base64 of the 32 raw bytes'),
            since: z.iso
              .datetime({ offset: true, error: 'not a time\nWrite it with its zone, as in 2026-11-23T02:00:00Z.' })
              .optional()
              .describe('what it signed before then is still believed; absent: nothing is'),
          }),
        )
        .default([])
        .describe('keys that were stolen or lost: what they sign is not believed, whatever "trusted" says'),
    })
    .describe('who made the backups'),
  sources: named(sourceConfig).describe('what is backed up'),
  destinations: named(destinationConfig).default({}).describe('where further copies go'),
  retention: siteRetention.prefault({}).describe('how long backups are kept'),
  notify: z.array(notifierConfig).default([]).describe('who is told when something is wrong'),
  watchdog: watchdogConfig,
  plans: plansConfig,
});
export type SiteConfig = z.output<typeof siteConfig>;
/** What stands in the file. */
export type SiteInput = z.input<typeof siteConfig>;
