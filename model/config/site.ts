/** A site: the whole config file. Its JSON Schema is made of this schema; what one field cannot say is in checks.ts. */
import { z } from 'zod';
import { NAME, name } from '../source.ts';
import { duration, size } from '../units.ts';
import { destinationConfig } from './destination.ts';
import { absolutePath, port, publicKey, recipient, wait } from './fields.ts';
import { hooksConfig } from './hooks.ts';
import { notifierConfig } from './notify.ts';
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

/** Milliseconds. A schedule's catch-up window, which must be shorter than its interval, has at least ten seconds. */
const SHORTEST_TICK = 20_000;

const plan = z
  .strictObject({
    captureDeadline: wait
      .prefault('2h')
      .describe("how long a capture is tried again; shorter than the plan's interval"),
    copyDeadline: wait.prefault('1h').describe('how long a copy is tried again'),
    verifyDeadline: wait.prefault('1h').describe('how long a verification is tried again'),
    retryFirst: wait.prefault('5s').describe('the first pause between two attempts'),
    retryMax: wait.prefault('5m').describe('the longest pause between two attempts'),
    heartbeat: wait.prefault('30s').describe('a worker that is silent for so long is dead'),
    standstill: wait
      .prefault('10m')
      .describe('children that neither move bytes nor use CPU or I/O for so long are ended'),
    busy: duration.prefault('10m').describe('how long to wait for another capture of the same source'),
    alertAfter: wait.prefault('1m').describe('a step that fails and waits for so long is an alert'),
    remindAfter: wait.prefault('1h').describe('an alert that lasts is told again after so long'),
    hooks: hooksConfig,
  })
  .refine(
    ({ retryFirst, retryMax }) => retryFirst <= retryMax,
    'retryFirst is longer than retryMax\nThe pauses grow from retryFirst (5s) to retryMax (5m).',
  );

const logsPlan = z.strictObject({
  every: duration
    .refine(
      (milliseconds) => milliseconds >= SHORTEST_TICK && milliseconds % 1000 === 0,
      'shipping cannot be due so often\nWrite whole seconds, 20s or more, as in 5m.',
    )
    .prefault('5m')
    .describe('how often logs are shipped: about so much, in time, can be lost'),
  workerDeadline: wait
    .prefault('30s')
    .describe("how long a tick waits for a source's worker; the next tick does its work"),
  retryFirst: wait.prefault('2s').describe('the pause before the one further attempt'),
  heartbeat: wait.prefault('30s').describe('a worker that is silent for so long is dead'),
  standstill: wait.prefault('2m').describe('children that neither move bytes nor use CPU or I/O for so long are ended'),
  busy: duration.prefault('5s').describe('how long to wait for another shipping of the same source'),
  stalledAfter: z
    .number()
    .min(0.1)
    .prefault(3)
    .describe('logs that are so many intervals old are an alert: shipping has stalled'),
  remindAfter: wait.prefault('1h').describe('an alert that lasts is told again after so long'),
  spareSpace: size.prefault('1GiB').describe('less free space in the repository or in state is an alert'),
  serverSpace: size
    .prefault('2GiB')
    .describe("less free space where a server's data or logs lie is an alert, as far as this host sees them"),
  slotUse: z
    .number()
    .min(0.01)
    .max(1)
    .prefault(0.5)
    .describe('a PostgreSQL slot that keeps so much of what it may (max_slot_wal_keep_size) is an alert'),
});

const catchUpPlan = z
  .strictObject({
    every: duration
      .refine(
        (milliseconds) => milliseconds >= SHORTEST_TICK && milliseconds % 1000 === 0,
        'copies cannot be due so often\nWrite whole seconds, 20s or more, as in 15m.',
      )
      .prefault('15m')
      .describe('how often destinations are looked at, and what they lack is copied'),
    deadline: wait.prefault('10m').describe('a step begins no further copy after so long; the next one goes on'),
    workerDeadline: wait
      .prefault('30s')
      .describe("how long a step waits for a host's worker; the next tick does its work"),
    retryFirst: wait.prefault('2s').describe('the pause before the one further attempt'),
    heartbeat: wait.prefault('30s').describe('a worker that is silent for so long is dead'),
    standstill: wait.prefault('10m').describe('a copy that moves nothing for so long is ended'),
    remindAfter: wait.prefault('1d').describe('an alert that lasts is told again after so long'),
  })
  .prefault({});

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
  plans: z.strictObject({ daily: plan.prefault({}), logs: logsPlan.prefault({}), catchUp: catchUpPlan }).prefault({}),
});
export type SiteConfig = z.output<typeof siteConfig>;
/** What stands in the file. */
export type SiteInput = z.input<typeof siteConfig>;
