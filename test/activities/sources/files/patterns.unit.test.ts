import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { matcher, patternsOf, tarExcludes } from '../../../../activities/sources/files/patterns.ts';
import { parsePattern } from '../../../../model/config/glob.ts';
import { cleanUp, temporaryFolder } from '../../../support/folders.ts';
import { write } from './tree.ts';

const FILES = [
  'app.log',
  'logs/x.log',
  'logs/deep/y.log',
  'cache/a',
  'cache/sub/b',
  'src/cache',
  'a[b',
  'a-b',
  'a]b',
  'a^b',
  'a\\b',
  'n\nl.log',
  'ü.log',
  '.hidden',
  'A.LOG',
  'x.d/cache/k',
  'star*',
];

describe('globs of exclude and volatile', () => {
  let root: string;
  let below: string;

  before(async () => {
    root = await temporaryFolder({ onDisk: true });
    below = root.slice(1);
    for (const file of FILES) write(root, file);
  });
  after(cleanUp);

  /** What tar archives, and what our own matching leaves. */
  function kept(globs: readonly string[]): readonly (readonly string[])[] {
    const patterns = patternsOf(globs);
    const options = { cwd: '/', env: { ...process.env, LC_ALL: 'C' }, stdio: 'pipe' } as const;
    const archive = execFileSync('tar', ['-c', ...tarExcludes(patterns), '--', below], options);
    const archived = execFileSync('tar', ['-t', '--null', '--quoting-style=literal'], {
      ...options,
      input: archive,
    });
    const all = execFileSync('find', [below, '-printf', String.raw`%p\0`], options)
      .toString()
      .split('\0')
      .filter(Boolean);
    const matches = matcher(patterns);
    return [splitListing(archived.toString()), all.filter((each) => !matches(each)).toSorted()];
  }

  /** tar lists a line for each; the one name with a line break is put together again. */
  function splitListing(text: string): readonly string[] {
    const joined = text.replaceAll('n\nl.log', 'n\0l.log').split('\n').filter(Boolean);
    return joined.map((line) => line.replace('\0', '\n').replace(/\/$/, '')).toSorted();
  }

  function assertAgree(globs: readonly string[]): readonly string[] {
    const [byTar = [], byUs] = kept(globs);
    assert.deepEqual(byUs, byTar, `matcher and tar differ on ${JSON.stringify(globs)}`);
    return byTar.map((each) => each.slice(below.length + 1)).filter(Boolean);
  }

  it('without a slash at the start match at any depth', () => {
    const left = assertAgree(['*.log']);
    assert.ok(!left.some((each) => each.endsWith('.log')));
    assert.ok(left.includes('A.LOG') && left.includes('logs/deep'));
    assert.ok(!assertAgree(['logs/*.log']).includes('logs/x.log'));
    assert.ok(assertAgree(['logs/*.log']).includes('logs/deep/y.log'));
  });

  it('with a slash at the start match from the root', () => {
    assert.ok(!assertAgree([`${root}/cache`]).some((each) => each === 'cache' || each.startsWith('cache/')));
    assert.ok(assertAgree([`${root}/cache`]).includes('src/cache'));
    assert.ok(assertAgree(['/cache']).includes('cache'));
  });

  it('with a slash at the end leave out what is in folders, and keep the folder and files of that name', () => {
    for (const glob of ['cache/', 'cache/**', '**/cache/']) {
      const left = assertAgree([glob]);
      assert.ok(left.includes('cache') && left.includes('src/cache') && left.includes('x.d/cache'), glob);
      assert.ok(!left.includes('cache/a') && !left.includes('cache/sub') && !left.includes('x.d/cache/k'), glob);
    }
  });

  it('never cross a slash', () => {
    assert.ok(assertAgree([`${root}/*.log`]).includes('logs/x.log'));
    assert.ok(assertAgree([`${root}?logs`]).includes('logs'));
  });

  it('mean the same to tar and us', () => {
    const piece = fc.constantFrom(
      '*',
      '?',
      'a',
      'b',
      '.',
      'log',
      'cache',
      '/',
      '[a-c]',
      '[!a]',
      '[]^-]',
      '[^]x]',
      '\\*',
      '\\[',
      '[:a]',
      '[\\]x]',
      '[a\\-c]',
      '\\\\',
      ']',
      '-',
      '+',
      '(',
      '|',
      '{',
      'l',
      'sub',
      'x',
    );
    const glob = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), glob), { minLength: 1, maxLength: 2 }), (globs) => {
        const texts = globs.map(([rooted, text]) => (rooted ? `${root}/${text}` : text));
        // A path that is itself left out is refused by the preflight.
        fc.pre(texts.every((text) => 'glob' in parsePattern(text)) && !matcher(patternsOf(texts))(below));
        assertAgree(texts);
      }),
      { numRuns: 50 },
    );
  });

  it('are refused where they would mean something else than expected', () => {
    const refused = ['!keep', './x', '../x', 'a/**/b', '*', '/', '/**', '', '[[:alpha:]]', '[é]', '[a/b]'];
    for (const text of refused) assert.ok('problem' in parsePattern(text), text);
  });

  it('are refused where they are malformed, of which tar makes the character, itself or nothing, without a word', () => {
    for (const text of [
      '[',
      '*.[ch',
      'a[',
      '[]',
      '[]a',
      '[^]',
      '[!]',
      '[a\\]',
      '\\\\[a',
      'a\\',
      '*\\',
      '[z-a]',
      '[b-az]',
    ])
      assert.ok('problem' in parsePattern(text), text);
    for (const text of [
      ']',
      'a]',
      '[]]',
      '[!]]',
      '\\[',
      '\\[é',
      '\\[/x',
      '[a\\]]',
      '[a-]',
      '[-a]',
      'a\\\\',
      '{a,b',
      '(',
      'a|b',
    ])
      assert.ok('glob' in parsePattern(text), text);
  });
});
