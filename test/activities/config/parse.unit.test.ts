import assert from 'node:assert/strict';
import { parseConfig } from '../../../activities/config/parse.ts';
import type { LocatedProblem } from '../../../model/config/problem.ts';
import type { SiteConfig } from '../../../model/config/site.ts';

const FIRST = 'age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p';
const SECOND = 'age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg';
/** A config that is good. Each case changes one line of it, found by its beginning. */
const GOOD = `site: prod
repository: /backups
state: /state
encryption:
  recipients: [${FIRST}, ${SECOND}]
signing: {}
sources:
  stack: { type: files, paths: [/data] }
destinations:
  vault: { type: directory, path: /vault }
`;

/** What is expected of one problem: `line:column path`, and words in message or remedy. */
type Expected = readonly [where: string, words: RegExp];

const CASES: readonly (readonly [
  what: string,
  change: readonly [from: string, to: string],
  ...problems: Expected[],
])[] = [
  [
    'an unknown key, with the nearest known one',
    ['state: ', 'stat: '],
    ['3:1 stat', /unknown key.*Did you mean "state"/],
  ],
  [
    'an unknown key far down',
    ['paths: [/data]', 'paths: [/data], exlude: []'],
    ['8:41 sources.stack.exlude', /Did you mean "exclude"/],
  ],
  ['a missing key', ['repository: /backups\n', ''], ['1:1 repository', /is missing.*copy 1/]],
  [
    'a duration without a unit',
    ['{ type: files,', '{ type: files, objectives: { rpo: 10 },'],
    ['8:44 sources.stack.objectives.rpo', /has a unit.*10m/],
  ],
  [
    'a field of a hook, which its command tells from a webhook',
    ['{ type: files,', '{ type: files, hooks: { before: [{ command: [a], timeout: 5 }] },'],
    ['8:68 sources.stack.hooks.before[0].timeout', /has a unit/],
  ],
  [
    'an unknown key of a hook',
    ['{ type: files,', '{ type: files, hooks: { before: [{ command: [a], timeOut: 5m }] },'],
    [
      '8:59 sources.stack.hooks.before[0].timeOut',
      /unknown key.*"timeout"\? Known here: command, timeout, onFailure, webhook\./,
    ],
  ],
  [
    'a hook that is two, or none',
    ['{ type: files,', "{ type: files, hooks: { before: [{ command: [a], webhook: 'http://a' }], after: [{}] },"],
    ['8:43 sources.stack.hooks.before[0]', /not a hook/],
    ['8:91 sources.stack.hooks.after[0]', /not a hook/],
  ],
  [
    'a day of several that there is not',
    ['signing: {}', 'signing: {}\nplans: { daily: { on: [monday, funday] } }'],
    ['7:32 plans.daily.on[1]', /"sunday"/],
  ],
  [
    'a duration with a wrong unit',
    ['{ type: files,', '{ type: files, objectives: { rpo: 10min },'],
    ['8:44 sources.stack.objectives.rpo', /not a duration.*10m/],
  ],
  [
    'a size with a wrong unit',
    ['{ type: files,', '{ type: files, limits: { maxRate: 5mb },'],
    ['8:44 sources.stack.limits.maxRate', /not a size.*50MiB/],
  ],
  [
    'a bracket that is opened and not closed, in a glob',
    ['paths: [/data]', 'paths: [/data], exclude: ["*.log", "["]'],
    ['8:60 sources.stack.exclude[1]', /a bracket is opened and not closed.*Close it, as in \[a-z\], or write \\\[/],
  ],
  [
    'a glob that takes back another',
    ['paths: [/data]', 'paths: [/data], volatile: ["!*.log"]'],
    ['8:52 sources.stack.volatile[0]', /cannot take back another.*narrower/],
  ],
  [
    'a rate at which nothing would ever be read',
    ['{ type: files,', '{ type: files, limits: { maxRate: 0 B },'],
    ['8:44 sources.stack.limits.maxRate', /nothing would ever be read.*above zero/],
  ],
  [
    'a wait of nothing, which Temporal takes for one without end',
    ['destinations:', 'plans: { daily: { verifyDeadline: 0s } }\ndestinations:'],
    ['9:35 plans.daily.verifyDeadline', /nothing is no wait.*above zero/],
  ],
  [
    'a sign of life that would be too late each time',
    ['destinations:', 'plans: { daily: { heartbeat: 1s } }\ndestinations:'],
    ['9:30 plans.daily.heartbeat', /shorter than a sign of life takes.*2s or more/],
  ],
  [
    'pauses that would shrink, which Temporal refuses',
    ['destinations:', 'plans: { daily: { retryFirst: 1h } }\ndestinations:'],
    ['9:17 plans.daily', /retryFirst is longer than retryMax.*grow/],
  ],
  [
    'a text where a number belongs',
    ['{ type: files,', '{ type: files, incrementals: many,'],
    ['8:39 sources.stack.incrementals', /must be a number, not a text/],
  ],
  [
    'a number out of range',
    ['{ type: files,', '{ type: files, limits: { nice: 40 },'],
    ['8:41 sources.stack.limits.nice', /must be at most 19/],
  ],
  [
    'a word that is not one of the known',
    ['{ type: files,', '{ type: files, group: config,'],
    ['8:32 sources.stack.group', /Did you mean "configs"/],
  ],
  [
    'an unknown type',
    ['type: files', 'type: fils'],
    ['8:18 sources.stack.type', /Did you mean "files".*postgres, .*files/],
  ],
  [
    'a type of a later version',
    ['type: files', 'type: gitea'],
    ['8:18 sources.stack.type', /cannot capture "gitea" yet.*postgres, .*files/],
  ],
  ['no type', ['type: files, ', ''], ['8:3 sources.stack.type', /is missing.*postgres, .*files/]],
  [
    'a recipient with a typing error',
    [FIRST, FIRST.replace('h', 'j')],
    ['5:16 encryption.recipients[0]', /typing error/],
  ],
  [
    'an identity among the recipients',
    [FIRST, 'AGE-SECRET-KEY-1QQ'],
    ['5:16 encryption.recipients[0]', /identity, which is secret.*make a new identity/],
  ],
  ['one recipient', [`, ${SECOND}`, ''], ['5:15 encryption.recipients', /fewer than two/]],
  [
    'the same recipient twice',
    [SECOND, FIRST],
    ['5:80 encryption.recipients[1]', /same recipient as encryption\.recipients\[0\]/],
  ],
  [
    'a signing key that is none',
    ['signing: {}', 'signing: { trusted: [abc] }'],
    ['6:22 signing.trusted[0]', /not an Ed25519 public key/],
  ],
  [
    'a destination inside the repository',
    ['path: /vault', 'path: /backups/copy'],
    ['10:35 destinations.vault.path', /lies inside the repository/],
  ],
  [
    'the repository inside a destination',
    ['repository: /backups', 'repository: /vault/b/../backups'],
    ['10:35 destinations.vault.path', /the repository lies inside it/],
  ],
  [
    'state inside the repository',
    ['state: /state', 'state: /backups/state'],
    ['3:8 state', /lies inside the repository/],
  ],
  [
    'a destination inside state',
    ['path: /vault', 'path: /state/'],
    ['10:35 destinations.vault.path', /same folder as the state/],
  ],
  [
    'two destinations on one path',
    ['path: /vault }', 'path: /vault }\n  again: { type: directory, path: /vault/. }'],
    ['11:35 destinations.again.path', /same folder as the destination "vault"/],
  ],
  [
    'two destinations at one place of a server',
    [
      'path: /vault }',
      `path: /vault }
  one: { type: s3, bucket: backups, prefix: prod, endpoint: "https://s3.example.org" }
  two: { type: s3, bucket: backups, prefix: prod/sub, endpoint: "https://S3.example.org/", tiers: [yearly] }
  three: { type: s3, bucket: backups, endpoint: "https://s3.example.org" }
  four: { type: s3, bucket: backups, prefix: production, endpoint: "https://s3.example.org:9000" }
  five: { type: rsync, target: "backup@vault:/srv/a", key: { file: /keys/v } }
  six: { type: rsync, target: "backup@vault:/srv/a/", port: 22, key: { file: /keys/v } }
  seven: { type: rsync, target: "backup@vault:/srv/a", key: { file: /keys/w } }
  eight: { type: glacier, vault: old, region: eu-central-1, manifests: vault }
  nine: { type: glacier, vault: old, region: eu-central-1, manifests: vault }
  ten: { type: glacier, vault: old, region: eu-west-1, manifests: vault }`,
    ],
    ['12:45 destinations.two.prefix', /lies inside the destination "one"/],
    ['13:30 destinations.three.bucket', /the destination "one" lies inside it/],
    ['13:30 destinations.three.bucket', /the destination "two" lies inside it/],
    ['16:31 destinations.six.target', /the same place as the destination "five"/],
    ['19:33 destinations.nine.vault', /the same place as the destination "eight"/],
  ],
  [
    "a destination that has the repository's name",
    ['vault:', 'repository:'],
    ['10:3 destinations.repository', /the repository itself has it/],
  ],
  [
    'a vault whose manifests would lie at a destination that is not there',
    ['path: /vault }', 'path: /vault }\n  cold: { type: glacier, vault: v, manifests: valut }'],
    ['11:47 destinations.cold.manifests', /no destination "valut".*Name one of: vault/],
  ],
  [
    'a vault whose manifests would lie in a vault',
    ['path: /vault }', 'path: /vault }\n  cold: { type: glacier, vault: v, manifests: cold }'],
    ['11:47 destinations.cold.manifests', /"cold" is a vault itself.*Name one of: vault/],
  ],
  [
    'a vault whose manifests would lie on a disk that is sometimes absent',
    ['path: /vault }', 'path: /vault, removable: true }\n  cold: { type: glacier, vault: v, manifests: vault }'],
    ['11:47 destinations.cold.manifests', /sometimes absent.*Add a destination of type s3, rsync or directory/],
  ],
  [
    'a vault without a place for its manifests, and parts that Glacier does not take',
    ['path: /vault }', 'path: /vault }\n  cold: { type: glacier, vault: v, partSize: 3MiB }'],
    ['11:3 destinations.cold.manifests', /is missing.*archive ids/],
    ['11:46 destinations.cold.partSize', /1MiB, 2MiB, 4MiB.*16MiB/],
  ],
  [
    'a speed of thawing that the class does not have',
    [
      'path: /vault }',
      'path: /vault }\n  cold: { type: s3, bucket: cold, storageClass: DEEP_ARCHIVE, thaw: { speed: expedited } }',
    ],
    ['11:78 destinations.cold.thaw.speed', /cannot be thawed with the speed expedited.*Choose standard or bulk/],
  ],
  [
    'the repository inside a source',
    ['paths: [/data]', 'paths: [/]'],
    ['8:33 sources.stack.paths[0]', /the repository lies inside it.*"exclude"/],
    ['8:33 sources.stack.paths[0]', /the state folder/],
    ['8:33 sources.stack.paths[0]', /"vault"/],
  ],
  [
    'a data folder of a restore in place with the repository in it',
    [
      'stack: { type: files, paths: [/data] }',
      'db: { type: redis, inPlace: { data: /, stop: [stop], start: [start] } }',
    ],
    ['8:39 sources.db.inPlace.data', /the repository lies inside it, and would be renamed with it/],
    ['8:39 sources.db.inPlace.data', /the state folder lies inside it/],
    ['8:39 sources.db.inPlace.data', /the destination "vault" lies inside it/],
  ],
  [
    'a restore in place that says nothing of how the server is stopped',
    ['stack: { type: files, paths: [/data] }', 'db: { type: redis, inPlace: { data: /srv/db, start: [], stop: [x] } }'],
    ['8:55 sources.db.inPlace.start', /no command.*systemctl/s],
  ],
  ['a relative path', ['repository: /backups', 'repository: backups'], ['2:13 repository', /starts at the root/]],
  [
    'names that differ in case only',
    [
      'stack: { type: files, paths: [/data] }',
      'stack: { type: files, paths: [/data] }\n  Stack: { type: files, paths: [/data] }',
    ],
    ['9:3 sources.Stack', /only in capital letters/],
  ],
  ['a name that is none', ['stack:', '"sta ck":'], ['8:3 sources."sta ck"', /1 to 63 letters/]],
  ['a source in the folder of others', ['stack:', 'apps:'], ['8:3 sources.apps', /cannot have this name/]],
  [
    'a source in the folder of the system',
    ['stack: { ', 'system: { group: databases, '],
    ['8:3 sources.system', /cannot have this name/],
  ],
  ['a source in place of a link', ['stack:', 'Latest:'], ['8:3 sources.Latest', /cannot have this name/]],
  [
    "a source of the program's own",
    ['stack:', 'mosaic-backup-x:'],
    ['8:3 sources.mosaic-backup-x', /cannot have this name/],
  ],
  [
    'two sources of the system group',
    [
      'stack: { type: files, paths: [/data] }',
      'one: { type: files, group: system, paths: [/data] }\n  two: { type: files, group: system, paths: [/data] }',
    ],
    ['9:3 sources.two', /in the folder of those of "one"/],
  ],
  [
    'a time of day that is none, and days that are none',
    ['site: prod', 'plans: { daily: { at: 2:00, on: sundays } }\nsite: prod'],
    ['1:23 plans.daily.at', /not a time of day.*"02:30"/],
    ['1:33 plans.daily.on', /not days.*monday, thursday.*first sunday/],
  ],
  [
    'phases that would come in another order',
    ['site: prod', "plans: { daily: { phases: { apps: '04:00', configs: '03:00' } } }\nsite: prod"],
    ['1:53 plans.daily.phases.configs', /configs would begin before system, which begin 2h after the plan/],
  ],
  [
    'captures that would be tried until the plan is due again',
    ['site: prod', "plans: { daily: { phases: { configs: '00:30' } } }\nsite: prod"],
    ['1:17 plans.daily', /a capture of configs could be tried until.*less than 1d after 02:00/],
  ],
  [
    'plans that cannot have their names, that lack a time, and that name what there is not',
    [
      'site: prod',
      "plans: { custom: { weekly: { at: '09:00' }, Noon: { at: '12:00' }, x: {}, y: { at: '10:00', sources: [stak] } } }\nsite: prod",
    ],
    ['1:20 plans.custom.weekly', /cannot have this name.*plans\.daily/],
    ['1:45 plans.custom.Noon', /not a name of a plan.*small letters/],
    ['1:68 plans.custom.x.at', /is missing.*time of day/],
    ['1:103 plans.custom.y.sources[0]', /no source "stak".*Did you mean "stack"/],
  ],
  [
    'proof of what there is not, and where there is nobody to make it',
    [
      'site: prod',
      'plans: { drill: { host: other, primary: valt, sources: [stak, mosaic-backup-local] }, restoreTest: { host: locl } }\nsite: prod',
    ],
    ['1:25 plans.drill.host', /no host "other".*There are: local/],
    ['1:41 plans.drill.primary', /no destination "valt".*Did you mean "vault"/],
    ['1:57 plans.drill.sources[0]', /no source "stak".*Did you mean "stack"/],
    ['1:108 plans.restoreTest.host', /no host "locl".*Did you mean "local"/],
  ],
  [
    'drills in a month that there is not, of no scenario, and that everybody waits for',
    [
      'site: prod',
      'plans: { drill: { months: [0, 13], scenarios: [], manual: [fetch], beside: 0, provision: [{ command: [] }] } }\nsite: prod',
    ],
    ['1:28 plans.drill.months[0]', /at least 1/],
    ['1:31 plans.drill.months[1]', /at most 12/],
    ['1:47 plans.drill.scenarios', /no scenario.*host-lost/],
    ['1:60 plans.drill.manual[0]', /One of: provision, choose, restore, probe/],
    ['1:76 plans.drill.beside', /at least 1/],
    ['1:102 plans.drill.provision[0].command', /no program.*apt-get/],
  ],
  [
    'images of restore tests that have no digest, or are of no source',
    ['site: prod', "plans: { restoreTest: { sandboxImages: { stak: 'redis:7' } } }\nsite: prod"],
    ['1:42 plans.restoreTest.sandboxImages.stak', /no source "stak".*Did you mean "stack"/],
    ['1:48 plans.restoreTest.sandboxImages.stak', /without its digest.*docker image inspect/],
  ],
  ['no sources', ['\n  stack: { type: files, paths: [/data] }', ' {}'], ['7:10 sources', /nothing would be backed up/]],
  [
    'a host that there is not',
    ['site: prod', 'site: prod\nhosts: { one: {}, two: {} }\ncoordinator: tow'],
    ['3:14 coordinator', /no host "tow".*Did you mean "two"/],
    ['10:3 sources.stack.host', /is missing.*one, two/],
  ],
  [
    "hosts that would share a queue: a host's others are called by it and one more word",
    [
      'site: prod',
      'site: prod\nhosts: { a.short: {}, a: {}, a.copies: {}, b.short: {}, a.short.x: {} }\ncoordinator: a',
    ],
    ['2:10 hosts."a.short"', /queue.*"a".*without "\.short"/],
    ['2:30 hosts."a.copies"', /queue.*"a".*without "\.copies"/],
    ['10:3 sources.stack.host', /is missing/],
  ],
  [
    'an offset for a time zone, which Temporal does not know',
    ['site: prod', "site: prod\ntimeZone: '+02:00'"],
    ['2:11 timeZone', /an offset is no time zone.*Europe\/Berlin/],
  ],
  [
    'a zone that there is not',
    ['site: prod', 'site: prod\ntimeZone: Mars/Olympus'],
    ['2:11 timeZone', /not a time zone/],
  ],
  [
    'several hosts without a coordinator',
    ['site: prod', 'site: prod\nhosts: { one: {}, two: {} }'],
    ['1:1 coordinator', /is missing/],
    ['9:3 sources.stack.host', /is missing/],
  ],
  [
    'a host where there are none',
    ['{ type: files,', '{ type: files, host: other,'],
    ['8:31 sources.stack.host', /no host "other"/],
  ],
  [
    'the identity inside the repository',
    ['signing: {}', '  identity: { file: /backups/../backups/id }\nsigning: { key: { file: /vault/key } }'],
    ['6:21 encryption.identity.file', /lies inside the repository/],
    ['7:25 signing.key.file', /lies inside the destination "vault"/],
  ],
  ['a key twice', ['site: prod', 'site: prod\nsite: other'], ['2:1 ', /same key twice/]],
  [
    'a variable that is not set',
    ['repository: /backups', 'repository: ${NOPE}'],
    ['2:13 ', /variable NOPE is not set.*\$\{NOPE:-…\}/],
  ],
  ['a variable that is none', ['repository: /backups', 'repository: /b${1}'], ['2:13 ', /\$\$ for a dollar sign/]],
  [
    'a variable within brackets that is not set',
    ['path: /vault', 'path: ${NOPE}'],
    ['10:35 ', /variable NOPE is not set/],
  ],
  ['a file that is no YAML', ['encryption:', 'encryption: ]'], ['4:13 ', /not valid YAML/]],
  [
    'a list where a mapping belongs',
    ['signing: {}', 'signing: []'],
    ['6:10 signing', /must be a mapping of keys, not a list/],
  ],
];

describe('a config that is wrong', () => {
  for (const [what, [from, to], ...expected] of CASES) {
    it(`is told about ${what}`, () => {
      assert.ok(GOOD.includes(from), `the case has nothing to change: ${from}`);
      const problems = problemsIn(GOOD.replace(from, () => to));
      const shown = problems.map(({ line, column, path }) => `${line}:${column} ${path}`);
      for (const [where, words] of expected) {
        const found = problems.filter((_problem, index) => shown[index] === where);
        assert.ok(
          found.some(({ message, remedy }) => words.test(`${message} ${remedy}`)),
          `no ${where} ${words} in:\n${text(problems)}`,
        );
      }
      assert.equal(problems.length, expected.length, text(problems));
    });
  }

  it('is told everything at once, in the order of the file, each with its place', () => {
    const problems = problemsIn(`site: prod
repositry: /backups
repository: /backups
encryption: { recipients: [${FIRST}], identity: { file: /backups/id } }
signing: {}
sources:
  apps: { type: files, paths: [data], objectives: { rpo: 5 } }
destinations:
  a: { type: directory, path: /backups/x }
`);
    const shown = problems.map(({ file, line, column, path }) => `${file}:${line}:${column} ${path}`);
    assert.deepEqual(shown, [
      'config.yaml:2:1 repositry',
      'config.yaml:4:27 encryption.recipients',
      'config.yaml:4:111 encryption.identity.file',
      'config.yaml:7:3 sources.apps',
      'config.yaml:7:32 sources.apps.paths[0]',
      'config.yaml:7:58 sources.apps.objectives.rpo',
      'config.yaml:9:31 destinations.a.path',
    ]);
  });

  it('is told when it is empty, or holds no mapping', () => {
    assert.match(text(problemsIn('')), /1:1: the file is empty/);
    assert.match(text(problemsIn('# only a comment\n')), /the file is empty/);
    assert.match(text(problemsIn('- a list\n')), /must be a mapping of keys, not a list/);
  });

  it('never repeats a secret that stands in it', () => {
    const secret = 'hunter2-AGE-SECRET';
    const wrong = [
      `connection: { password: ${secret} }`,
      `connection: { password: "${secret} }`,
      `connection: { password: { fil: ${secret} } }`,
      `connection: { password: { env: [${secret}] } }`,
      `connection: { pasword: ${secret} }`,
      `connection: { password: *${secret} }`,
      `connection: { password: !${secret} x }`,
      `connection: { password: &${secret} }`,
      `connection: { password: !!${secret} x }`,
      `connection: { password: [a] ${secret} }`,
      `connection: { password: @${secret} }`,
      `connection: { password: %${secret} }`,
      `connection: { password: "\\x${secret}" }`,
      `connection: { port: ${secret} }`,
      'connection: { port: "${HIDDEN}", password: "${HIDDEN}", sslmode: "${HIDDEN}" }',
    ];
    for (const part of wrong) {
      const problems = problemsIn(GOOD.replace('stack: {', `pg: { type: postgres, ${part} }\n  stack: {`), {
        HIDDEN: secret,
      });
      assert.ok(problems.length > 0, part);
      assert.doesNotMatch(JSON.stringify(problems), new RegExp(secret), part);
    }
  });

  it('is told how a secret is named, where one stands in it', () => {
    const [problem] = problemsIn(
      GOOD.replace('stack: {', 'pg: { type: postgres, connection: { password: x } }\n  stack: {'),
    );
    assert.match(
      `${problem?.message} ${problem?.remedy}`,
      /never stands in the config itself.*\{ file: PATH \}, \{ env: NAME \}/,
    );
  });
});

describe('a config that is good', () => {
  it('has every default of the strategy', () => {
    const config = configIn(GOOD);
    assert.equal(config.plans.daily.captureDeadline, 2 * 3_600_000);
    assert.equal(config.temporal.embedded.port, 7233);
    assert.deepEqual(config.sources['stack'], {
      type: 'files',
      paths: ['/data'],
      exclude: [],
      volatile: [],
      incrementals: 6,
      probes: [],
    });
  });

  it('P06 ships logs every five minutes, and tells after a quarter of an hour that they are not', () => {
    const { every, stalledAfter, remindAfter } = configIn(GOOD).plans.logs;
    assert.deepEqual(
      [every, every * stalledAfter, remindAfter],
      [5, 15, 60].map((minutes) => minutes * 60_000),
    );
  });

  it('takes variables into values, with defaults, and never into the structure', () => {
    const text = GOOD.replace('repository: /backups', 'repository: ${ROOT}/b${EMPTY:-x}').replace(
      '/data',
      '"/cost/$$5/${ODD}"',
    );
    const config = configIn(text, { ROOT: '/r', EMPTY: '', ODD: 'a, b]: {#' });
    assert.equal(config.repository, '/r/bx');
    const { stack } = config.sources;
    assert.deepEqual(stack?.type === 'files' && stack.paths, ['/cost/$5/a, b]: {#']);
  });

  it('takes an unquoted variable as the number that it holds', () => {
    const config = configIn(
      GOOD.replace('signing: {}', 'signing: {}\ntemporal: { embedded: { port: ${PORT}, uiPort: ${UI:-99} } }'),
      { PORT: '7000' },
    );
    assert.deepEqual(config.temporal.embedded, { port: 7000, uiPort: 99 });
  });

  it('may share parts by anchors', () => {
    const config = configIn(
      GOOD.replace(
        '{ type: files, paths: [/data] }',
        '&one { type: files, paths: [/data] }\n  more: { <<: *one, paths: [/more] }',
      ),
    );
    assert.deepEqual(Object.keys(config.sources), ['stack', 'more']);
  });

  it('may exclude the repository from a source around it', () => {
    configIn(GOOD.replace('paths: [/data]', 'paths: [/], exclude: [/backups, /state/**, /vault]'));
  });

  it('may give each host a repository of its own', () => {
    configIn(
      GOOD.replace(
        'site: prod',
        'site: prod\nhosts: { one: { repository: /backups }, two: { repository: /other } }\ncoordinator: one',
      ).replace('type: files', 'type: files, host: two'),
    );
  });
});

function problemsIn(text: string, env: Readonly<Record<string, string>> = {}): readonly LocatedProblem[] {
  const parsed = parseConfig(text, 'config.yaml', env);
  return parsed.ok ? [] : parsed.problems;
}

function configIn(text: string, env: Readonly<Record<string, string>> = {}): SiteConfig {
  const parsed = parseConfig(text, 'config.yaml', env);
  assert.ok(parsed.ok, parsed.ok ? '' : problemsText(parsed.problems));
  return parsed.config;
}

function text(problems: readonly LocatedProblem[]): string {
  return problemsText(problems);
}

function problemsText(problems: readonly LocatedProblem[]): string {
  return problems
    .map(
      ({ line, column, path, message, remedy }) =>
        `${line}:${column}: ${path === '' ? '' : `${path}: `}${message} | ${remedy}`,
    )
    .join('\n');
}
