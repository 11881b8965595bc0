import assert from 'node:assert/strict';
import { chmod, lstat, readFile, symlink, writeFile, stat, readdir } from 'node:fs/promises';
import path from 'node:path';
import { editConfig, itemsAdded, itemRemoved, valueReplaced } from '../../../activities/config/edit.ts';
import { parseConfig } from '../../../activities/config/parse.ts';
import { cleanUp, temporaryFolder } from '../../support/folders.ts';

const [ONE, TWO, NEW] = [
  'age1cw6xvz5jp3uf3ndj5x3e2sdg3qkct4n6dj9yy5zy5y0cu64hlydqdlzuht',
  'age1fq5q27u9g73evp676ultr58lpjx79szy6nu9j79q67sdx8wg0c9qrxk0kt',
  'age1lggyhqrw2nlhcxprm67z43rta597azn8gknawjehu9d9dl0jq3yqqvfafg',
] as const;

const REST = `repository: \${REPOSITORY:-/backups}   # where
sources: { etc: { type: files, paths: [/etc/hosts] } }
# the end`;

/** Ways in which people write a list. */
const STYLES = {
  'a block': `site: x # a site
encryption:
  # who can open them
  recipients:
    - ${ONE} # in the safe

    # the other one
    - ${TWO} # at home
signing: {}
${REST}
`,
  'a line': `site: x
encryption: { recipients: [ ${ONE}, "${TWO}" ] } # both
signing: {}
${REST}`,
  'several lines in brackets': `site: x
encryption:
  recipients: [
    ${ONE}, # in the safe
    ${TWO}  # at home
  ]
signing: { trusted: [] }
${REST}
`,
  'a list at the same depth as its key': `site: x\nsigning: {}\n${REST}\nencryption:\n  recipients:\n  - ${ONE}\n  - ${TWO}`,
} as const;

describe('edits of a config file', () => {
  let file: string;
  const env = {};
  const at = ['encryption', 'recipients'];

  before(async () => {
    file = path.join(await temporaryFolder(), 'config.yaml');
  });
  after(cleanUp);

  function recipientsOf(text: string): readonly string[] {
    const parsed = parseConfig(text, file, env);
    assert.ok(parsed.ok, JSON.stringify(parsed));
    return parsed.config.encryption.recipients;
  }

  for (const [style, text] of Object.entries(STYLES)) {
    it(`adds to and takes from ${style}, and leaves every other byte as it was`, async () => {
      await writeFile(file, text);
      await editConfig({ file, env, edits: (editing) => [itemsAdded(editing, at, [NEW])], wanted: () => true });
      const added = await readFile(file, 'utf8');
      assert.deepEqual(recipientsOf(added), [ONE, TWO, NEW]);
      for (const comment of text.match(/#.*/g) ?? []) assert.ok(added.includes(comment), comment);
      assert.ok(added.includes('${REPOSITORY:-/backups}   # where'));

      await editConfig({ file, env, edits: (editing) => [itemRemoved(editing, at, NEW)], wanted: () => true });
      assert.equal((await readFile(file, 'utf8')).trimEnd(), text.trimEnd(), 'and back');

      for (const gone of [ONE, TWO]) {
        await writeFile(file, added);
        await editConfig({ file, env, edits: (editing) => [itemRemoved(editing, at, gone)], wanted: () => true });
        const after = await readFile(file, 'utf8');
        assert.deepEqual(
          recipientsOf(after),
          [ONE, TWO, NEW].filter((each) => each !== gone),
        );
        assert.ok(after.includes('${REPOSITORY:-/backups}   # where'));
      }
    });
  }

  it('makes a list where there is none, and replaces a value', async () => {
    const key = 'EvCFSYmFuNRSApFeeeaORilQ49zSeXLed+gHINivri4=';
    for (const signing of [
      'signing: {}',
      'signing: { trusted: [] }',
      'signing:\n  # mine\n  key: { file: /k/old.pem }',
    ]) {
      await writeFile(file, STYLES['a block'].replace('signing: {}', signing));
      const hasKey = signing.includes('key:');
      await editConfig({
        file,
        env,
        edits: (editing) => [
          itemsAdded(editing, ['signing', 'trusted'], [key]),
          ...(hasKey ? [valueReplaced(editing, ['signing', 'key', 'file'], '/k/a new one.pem')] : []),
        ],
        wanted: ({ signing: got }) => got.trusted.includes(key),
      });
      const parsed = parseConfig(await readFile(file, 'utf8'), file, env);
      assert.ok(parsed.ok);
      assert.deepEqual(parsed.config.signing.trusted, [key]);
      if (hasKey) assert.deepEqual(parsed.config.signing.key, { file: '/k/a new one.pem' });
    }
  });

  it('changes nothing where the result is not what is meant, is no config, or the list is written in a way that it cannot edit', async () => {
    const aliased = STYLES['a block']
      .replace('  recipients:\n', '  recipients: &mine\n')
      .replace('# the end', 'x: *mine');
    await writeFile(file, STYLES['a block']);
    const edits = { file, env, wanted: () => true };
    await assert.rejects(editConfig({ ...edits, edits: (editing) => [itemsAdded(editing, at, ['age1typo'])] }), {
      code: 'config',
    });
    await assert.rejects(editConfig({ ...edits, edits: (editing) => [itemRemoved(editing, at, ONE)] }), {
      code: 'config',
    });
    await assert.rejects(
      editConfig({ ...edits, edits: (editing) => [itemsAdded(editing, at, [NEW])], wanted: () => false }),
      { code: 'config' },
    );
    await assert.rejects(editConfig({ ...edits, edits: (editing) => [itemRemoved(editing, at, NEW)] }), {
      code: 'config',
    });
    await assert.rejects(editConfig({ ...edits, edits: (editing) => [itemsAdded(editing, ['site'], [NEW])] }), {
      code: 'config',
    });
    assert.equal(await readFile(file, 'utf8'), STYLES['a block']);
    await writeFile(file, aliased);
    await assert.rejects(editConfig({ ...edits, edits: (editing) => [itemsAdded(editing, at, [NEW])] }), {
      code: 'config',
    });
    assert.equal(await readFile(file, 'utf8'), aliased);
  });

  it('keeps the mode, and edits what a link points at', async () => {
    const link = path.join(path.dirname(file), 'link.yaml');
    await symlink('config.yaml', link);
    await writeFile(file, STYLES['a line']);
    await chmod(file, 0o640);
    await editConfig({ file: link, env, edits: (editing) => [itemsAdded(editing, at, [NEW])], wanted: () => true });
    assert.equal((await stat(file)).mode & 0o777, 0o640);
    assert.ok((await lstat(link)).isSymbolicLink());
    assert.deepEqual(recipientsOf(await readFile(file, 'utf8')), [ONE, TWO, NEW]);
    assert.deepEqual((await readdir(path.dirname(file))).toSorted(), ['config.yaml', 'link.yaml']);
  });
});
