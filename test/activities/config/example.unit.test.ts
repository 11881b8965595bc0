import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { parse, stringify } from 'yaml';
import { z } from 'zod';
import { parseConfig } from '../../../activities/config/parse.ts';
import { configSchema, keysAt } from '../../../model/config/keys-at.ts';
import { valueAt } from '../../../model/config/problem.ts';
import { effectiveConfig } from '../../../model/config/show.ts';
import { siteConfig, type SiteConfig } from '../../../model/config/site.ts';
import { backupPlans } from '../../../model/plans.ts';

const EXAMPLE = new URL('../../../infra/example/mosaic-backup.yaml', import.meta.url);

describe('the example config', () => {
  let text: string;

  before(async () => {
    text = await readFile(EXAMPLE, 'utf8');
  });

  function parsed(yaml: string): SiteConfig {
    const result = parseConfig(yaml, 'example.yaml', {});
    assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.problems, null, 1));
    return result.config;
  }

  it('is good', () => {
    const { repository, sources } = parsed(text);
    assert.equal(repository, '/opt/mosaic/backups');
    assert.deepEqual(Object.keys(sources), ['postgres', 'warehouse', 'wiki', 'cache', 'board', 'stack']);
  });

  it('is accepted by the JSON Schema that editors use, which refuses what the parser refuses', () => {
    const schema = z.fromJSONSchema(configSchema());
    const plain: unknown = parse(text);
    assert.deepEqual(schema.safeParse(plain).error?.issues, undefined);
    for (const [from, to] of [
      ['rpo: 26h', 'rpo: 26'],
      ['type: directory', 'type: drectory'],
      ['nice: 10', 'nize: 10'],
      ['repository: $', 'repository: x$'],
    ] as const) {
      assert.ok(text.includes(from));
      assert.equal(schema.safeParse(parse(text.replace(from, to))).success, false, to);
    }
  });

  it('shows every key that there is', () => {
    const plain: unknown = parse(text.replaceAll(/^( *)# (address|namespace|profile|tls|apiKey): /gm, '$1$2: '));
    for (const path of [
      [],
      ['temporal'],
      ['worker'],
      ['hosts', 'stack2'],
      ['watchdog'],
      ['encryption'],
      ['signing'],
      ['plans', 'daily'],
      ['plans', 'logs'],
      ['plans', 'catchUp'],
      ['retention'],
      ['sources', 'stack'],
      ['destinations', 'remote'],
      ['destinations', 'secondary'],
    ]) {
      const shown = new Set(Object.keys(valueAt(plain, path) ?? {}));
      const hidden = new Set(['configFile', 'compression', 'limits', 'objectives', 'hostKey', 'state']);
      for (const key of keysAt(path, plain)) assert.ok(shown.has(key) || hidden.has(key), [...path, key].join('.'));
    }
  });

  it('shows every key that drills have besides what restore tests have', () => {
    const [before = '', drills = ''] = text.split(/^(?=  drill:$)/m);
    const plain: unknown = parse(before + drills.replaceAll(/^( {4})# ([a-zA-Z]+: [^#\n]+)/gm, '$1$2'));
    const { drill } = parsed(stringify(plain)).plans;
    assert.deepEqual(drill.provision[0]?.command.slice(0, 2), ['apt-get', 'install']);
    const shown = new Set(
      ['drill', 'restoreTest'].flatMap((plan) => Object.keys(valueAt(plain, ['plans', plan]) ?? {})),
    );
    const common = new Set(keysAt(['plans', 'restoreTest'], plain));
    for (const key of keysAt(['plans', 'drill'], plain)) assert.ok(shown.has(key) || common.has(key), key);
  });

  it('shows every key that buckets and vaults have besides what all destinations have', () => {
    const plain: unknown = parse(text);
    const [common, ...paths] = ['remote', 'bucket', 'old-vault'].map((name) => ['destinations', name] as const);
    for (const path of paths) {
      const shown = new Set([path, common ?? []].flatMap((each) => Object.keys(valueAt(plain, each) ?? {})));
      // Those of a recovery alone stand in no config that backs up.
      const ofRecovery = new Set(['before', 'lockedOnly']);
      for (const key of keysAt(path, plain)) assert.ok(shown.has(key) || ofRecovery.has(key), [...path, key].join('.'));
    }
  });

  it('comes back the same from `config show`, defaults and all', () => {
    const shown = effectiveConfig(parsed(text));
    const again = parsed(stringify(shown));
    assert.deepEqual(effectiveConfig(again), shown);
    // What is written out of a plan is what counts.
    assert.deepEqual(backupPlans(again), backupPlans(parsed(text)));
    const { logs, catchUp } = parsed(text).plans;
    assert.deepEqual([again.plans.logs, again.plans.catchUp], [logs, catchUp]);
    assert.equal(siteConfig.safeParse(shown).success, true);
  });

  it('comes back the same where a path has what looks like a variable', () => {
    const changed = text.replace(
      'paths: [/opt/mosaic/stack,',
      () => 'paths: [/opt/mosaic/stack, "/opt/$${HOME}/$$$$x",',
    );
    assert.notEqual(changed, text);
    const once = parsed(changed);
    assert.match(JSON.stringify(once.sources), /\/opt\/\$\{HOME\}\/\$\$x/);
    const again = parsed(stringify(effectiveConfig(once))).sources['stack'];
    assert.deepEqual(
      again?.type === 'files' && again.paths,
      once.sources['stack']?.type === 'files' && once.sources['stack'].paths,
    );
  });

  it('is shown without the arguments of commands, which may be secrets', () => {
    const changed = text.replace(
      'password: { file: /etc/mosaic-backup/warehouse }',
      'password: { command: [vault, -token=giveaway] }',
    );
    assert.notEqual(changed, text);
    const shown = stringify(effectiveConfig(parsed(changed)));
    assert.match(shown, /vault/);
    assert.doesNotMatch(shown, /giveaway/);
  });

  it('is shown without what the address of a webhook holds besides its host, and a wrong one is never repeated', () => {
    const address = 'url: { file: /etc/mosaic-backup/webhook }';
    const shown = stringify(
      effectiveConfig(parsed(text.replace(address, 'url: https://giveaway@hooks.example.org/giveaway?giveaway'))),
    );
    assert.match(shown, /https:\/\/hooks\.example\.org\/\*\*\*/);
    assert.doesNotMatch(shown, /giveaway/);
    const wrong = parseConfig(text.replace(address, 'url: hooks.example.org/giveaway'), 'example.yaml', {});
    assert.equal(wrong.ok, false);
    assert.match(JSON.stringify(wrong), /not the address of a webhook/);
    assert.doesNotMatch(JSON.stringify(wrong), /giveaway/);
  });
});
