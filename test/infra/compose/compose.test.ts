import assert from 'node:assert/strict';
import { access, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { parse } from 'yaml';
import { z } from 'zod';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

const FOLDER = fileURLToPath(new URL('../../../infra/compose', import.meta.url));

const texts = z.record(z.string(), z.string());
/** What of compose's own format is used; a key that is not in it is a typing error. */
const service = z.strictObject({
  image: z.string().optional(),
  build: z.strictObject({ context: z.string(), dockerfile: z.string() }).optional(),
  profiles: z.array(z.string()).optional(),
  restart: z.enum(['unless-stopped', 'on-failure:5']),
  logging: z.strictObject({ driver: z.literal('json-file'), options: texts }).optional(),
  depends_on: z
    .record(z.string(), z.strictObject({ condition: z.enum(['service_healthy', 'service_completed_successfully']) }))
    .optional(),
  environment: texts.optional(),
  group_add: z.array(z.string()).optional(),
  secrets: z.array(z.string()).optional(),
  volumes: z.array(z.string()).optional(),
  ports: z.array(z.string()).optional(),
  entrypoint: z.array(z.string()).optional(),
  healthcheck: z
    .strictObject({
      test: z.tuple([z.literal('CMD')], z.string()),
      interval: z.string(),
      timeout: z.string(),
      start_period: z.string().optional(),
      retries: z.number(),
    })
    .optional(),
  shm_size: z.string().optional(),
  stop_grace_period: z.string().optional(),
  init: z.boolean().optional(),
});
const compose = z.strictObject({
  name: z.string(),
  'x-restart': z.unknown(),
  services: z.record(z.string(), service),
  secrets: z.record(z.string(), z.strictObject({ file: z.string() })),
  volumes: z.record(z.string(), z.strictObject({})),
});

/** Variables that the server's own configuration reads, by its template; another name would be ignored without a word. */
const OF_SERVER = new Set(
  `DB DB_PORT POSTGRES_SEEDS POSTGRES_USER POSTGRES_PWD NUM_HISTORY_SHARDS BIND_ON_IP DYNAMIC_CONFIG_FILE_PATH PROMETHEUS_ENDPOINT
  TEMPORAL_TLS_REQUIRE_CLIENT_AUTH TEMPORAL_TLS_FRONTEND_CERT TEMPORAL_TLS_FRONTEND_KEY TEMPORAL_TLS_CLIENT1_CA_CERT TEMPORAL_TLS_CLIENT2_CA_CERT
  TEMPORAL_TLS_SERVER_CERT TEMPORAL_TLS_SERVER_KEY TEMPORAL_TLS_SERVER_CA_CERT TEMPORAL_TLS_FRONTEND_SERVER_NAME TEMPORAL_TLS_INTERNODE_SERVER_NAME`.split(
    /\s+/,
  ),
);

describe('the compose file of a production Temporal (syntax and settings: no image can be had here)', () => {
  let file: z.output<typeof compose>;

  before(async () => {
    file = compose.parse(parse(await readFile(path.join(FOLDER, 'compose.yaml'), 'utf8'), { merge: true }));
  });
  after(cleanUp);

  it('pins each image to one version', () => {
    for (const [name, { image }] of Object.entries(file.services))
      assert.match(image ?? '', /:\d+\.\d+(\.\d+)?(-\w+)?$/, name);
    const server = file.services['temporal']?.image?.split(':')[1];
    for (const name of ['schema', 'namespace'])
      assert.equal(
        file.services[name]?.image,
        `temporalio/admin-tools:${server}`,
        'tools of the version of the server',
      );
  });

  it('starts each service behind what it needs, and what it waits for can come', () => {
    for (const [name, { depends_on: needs = {} }] of Object.entries(file.services)) {
      for (const [other, { condition }] of Object.entries(needs)) {
        const of = file.services[other];
        assert.ok(of, `${name} needs ${other}`);
        if (condition === 'service_healthy') assert.ok(of.healthcheck, `${other} says when it is healthy`);
        else assert.ok(of.restart === 'on-failure:5', `${other} ends`);
      }
    }
  });

  it('keeps data in a volume, and no secret in the file or in what docker inspect shows', async () => {
    assert.ok(file.services['postgresql']?.volumes?.some((each) => each.startsWith('postgresql:/var/lib/postgresql')));
    assert.ok('postgresql' in file.volumes);
    for (const [name, { secrets = [], environment = {} }] of Object.entries(file.services)) {
      for (const secret of secrets) assert.ok(secret in file.secrets, `${name}: ${secret}`);
      for (const key of Object.keys(environment))
        assert.doesNotMatch(key, /(?:PASSWORD|PWD|KEY_DATA)$/, `${name}: ${key}`);
    }
    const ignored = (await readFile(path.join(FOLDER, '.gitignore'), 'utf8')).split('\n');
    assert.ok(ignored.includes('secrets') && ignored.includes('certs'));
  });

  it('is reached from this machine alone unless somebody says otherwise, and by certificate alone', () => {
    const ports = Object.values(file.services).flatMap((of) => of.ports ?? []);
    assert.equal(ports.length, 2);
    for (const port of ports) assert.match(port, /^(?:127\.0\.0\.1|\$\{MOSAIC_TEMPORAL_LISTEN:-127\.0\.0\.1\}):/);
    const { environment = {} } = file.services['temporal'] ?? {};
    assert.equal(environment['TEMPORAL_TLS_REQUIRE_CLIENT_AUTH'], 'true');
    for (const key of Object.keys(environment)) assert.ok(OF_SERVER.has(key), key);
    assert.equal(environment['NUM_HISTORY_SHARDS'], '512');
  });

  it('mounts what is there, or what its scripts make', async () => {
    const made = await temporaryFolder();
    await execa('sh', [path.join(FOLDER, 'make-certificates.sh'), path.join(made, 'certs'), 'temporal']);
    const mounts = Object.values(file.services).flatMap(({ volumes = [] }) =>
      volumes.filter((each) => each.startsWith('./')),
    );
    assert.ok(mounts.length > 8);
    for (const mount of mounts) {
      const [from = ''] = mount.split(':');
      await access(path.join(from.startsWith('./certs/') ? made : FOLDER, from));
    }
    for (const key of ['server.key', 'client.key', 'ca.key'])
      assert.equal((await stat(path.join(made, 'certs', key))).mode & 0o007, 0, key);
    for (const script of ['schema.sh', 'namespace.sh', 'make-certificates.sh'])
      await execa('sh', ['-n', path.join(FOLDER, script)]);
  });

  it('makes no certificate twice, and the server is believed under each of its names', async () => {
    const folder = path.join(await temporaryFolder(), 'certs');
    const make = () =>
      execa('sh', [path.join(FOLDER, 'make-certificates.sh'), folder, 'temporal', 'backups.example.org']);
    await make();
    const before = await readFile(path.join(folder, 'server.pem'), 'utf8');
    await make();
    assert.equal(await readFile(path.join(folder, 'server.pem'), 'utf8'), before);
    for (const name of ['temporal', 'backups.example.org'])
      await verify('server', ['-purpose', 'sslserver', '-verify_hostname', name]);
    await assert.rejects(verify('server', ['-verify_hostname', 'other.example.org']));
    await verify('client', ['-purpose', 'sslclient']);
    await assert.rejects(verify('client', ['-purpose', 'sslserver']));

    function verify(of: string, args: readonly string[]) {
      return execa('openssl', [
        'verify',
        '-CAfile',
        path.join(folder, 'ca.pem'),
        ...args,
        path.join(folder, `${of}.pem`),
      ]);
    }
  });

  it('its settings that change while it runs are lists of values, each a number', async () => {
    const settings = z.record(z.string(), z.tuple([z.strictObject({ value: z.number() })]));
    const read = settings.parse(parse(await readFile(path.join(FOLDER, 'dynamicconfig', 'production.yaml'), 'utf8')));
    assert.equal(
      read['matching.numTaskqueueReadPartitions']?.[0].value,
      read['matching.numTaskqueueWritePartitions']?.[0].value,
    );
  });
});
