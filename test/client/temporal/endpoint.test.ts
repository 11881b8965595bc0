import assert from 'node:assert/strict';
import { createServer } from 'node:http2';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Site } from '../../../activities/site.ts';
import { connect } from '../../../client/temporal/connect.ts';
import { configuredEndpoint } from '../../../client/temporal/endpoint.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';
import { makeSite, type SiteOptions } from '../../support/site.ts';

const PROFILES = `
[profile.default]
address = "127.0.0.1:1111"

[profile.prod]
address = "temporal.example.org:7233"
namespace = "backups"
api_key = "key-of-prod"
`;

describe('the Temporal of a site', () => {
  let folder: string;
  let profiles: string;
  /** Nothing of the machine's own profiles. */
  let bare: NodeJS.ProcessEnv;

  before(async () => {
    folder = await temporaryFolder();
    profiles = path.join(folder, 'temporal.toml');
    await writeFile(profiles, PROFILES);
    bare = { HOME: folder, XDG_CONFIG_HOME: folder };
  });
  after(cleanUp);

  async function site(temporal: NonNullable<SiteOptions['temporal']>): Promise<Site> {
    const sources: SiteOptions['sources'] = { stack: { type: 'files', paths: ['/data'] } };
    return (await makeSite({ folder: await temporaryFolder(), sources, temporal })).site;
  }

  it('is the embedded one where neither the config nor the environment names an address', async () => {
    assert.equal(configuredEndpoint(await site({}), bare), undefined);
  });

  it("is that of Temporal's own variables, profile and all", async () => {
    const none = await site({});
    const byAddress = configuredEndpoint(none, {
      ...bare,
      TEMPORAL_ADDRESS: '127.0.0.1:2222',
      TEMPORAL_NAMESPACE: 'n',
    });
    assert.deepEqual([byAddress?.connection.address, byAddress?.namespace], ['127.0.0.1:2222', 'n']);
    const named = { ...bare, TEMPORAL_CONFIG_FILE: profiles, TEMPORAL_PROFILE: 'prod' };
    const byProfile = configuredEndpoint(none, named);
    assert.deepEqual(
      [byProfile?.connection.address, byProfile?.namespace, byProfile?.connection.apiKey],
      ['temporal.example.org:7233', 'backups', 'key-of-prod'],
    );
    // A variable goes before the profile that it is beside.
    assert.equal(configuredEndpoint(none, { ...named, TEMPORAL_ADDRESS: 'other:1' })?.connection.address, 'other:1');
  });

  it('is that of the config before all of these', async () => {
    const byProfile = await site({ configFile: profiles, profile: 'prod' });
    assert.equal(configuredEndpoint(byProfile, bare)?.connection.address, 'temporal.example.org:7233');
    const whole = await site({ configFile: profiles, address: '127.0.0.1:3333', namespace: 'mine' });
    const found = configuredEndpoint(whole, { ...bare, TEMPORAL_ADDRESS: '127.0.0.1:2222', TEMPORAL_NAMESPACE: 'n' });
    assert.deepEqual([found?.connection.address, found?.namespace], ['127.0.0.1:3333', 'mine']);
  });

  it('is refused where a file or a profile is named that there is not: else a run would go elsewhere', async () => {
    const missing = path.join(folder, 'none.toml');
    const isConfig = { code: 'config', message: /none\.toml/ };
    const none = await site({});
    const named = await site({ configFile: missing });
    assert.throws(() => configuredEndpoint(named, bare), isConfig);
    assert.throws(() => configuredEndpoint(none, { ...bare, TEMPORAL_CONFIG_FILE: missing }), isConfig);
    const unknown = { ...bare, TEMPORAL_CONFIG_FILE: profiles, TEMPORAL_PROFILE: 'nosuch' };
    assert.throws(() => configuredEndpoint(none, unknown), { code: 'config', message: /nosuch/ });
  });

  it('is told from what else answers there', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(404);
      response.end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = server.address();
    assert.ok(at !== null && typeof at === 'object');
    try {
      const endpoint = { connection: { address: `127.0.0.1:${at.port}` }, namespace: 'default', ui: null };
      await assert.rejects(connect(endpoint), { code: 'unreachable', message: /is no Temporal server/ });
    } finally {
      server.close();
    }
  });
});
