import assert from 'node:assert/strict';
import { secretsOf } from '../../../model/config/secrets-of.ts';
import { siteConfig } from '../../../model/config/site.ts';
import { mariadbSource, postgresSource, redisSource } from '../../../model/config/source.ts';

describe('the canary of a source', () => {
  it('is none unless the config has one, and then one row in 15 seconds by an account of its own', () => {
    for (const schema of [postgresSource, mariadbSource, redisSource]) {
      const [{ value: type }] = [schema.shape.type];
      assert.equal(schema.parse({ type }).canary, undefined);
      assert.deepEqual(schema.parse({ type, canary: {} }).canary, { user: 'mosaic_canary', every: 15_000 });
    }
  });

  it('is written from once a second to once an hour', () => {
    const every = (text: string) => postgresSource.safeParse({ type: 'postgres', canary: { every: text } });
    for (const text of ['1s', '1h']) assert.equal(every(text).success, true, text);
    for (const text of ['0s', '999ms', '61m']) {
      assert.match(
        every(text).error?.issues[0]?.message ?? '',
        /^too often, or too seldom to measure anything\n/,
        text,
      );
    }
  });

  it('has a secret of its own, which is missed like any other', () => {
    const password = { file: '/etc/mosaic-backup/canary.password' };
    const config = siteConfig.parse({
      site: 'prod',
      repository: '/backups',
      encryption: {
        recipients: [
          'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p',
          'age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg',
        ],
      },
      signing: {},
      sources: { cache: { type: 'redis', canary: { password } } },
      destinations: {},
    });
    assert.deepEqual(secretsOf(config), [password]);
  });
});
