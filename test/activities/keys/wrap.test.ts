import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { newIdentity, recipientOf, wrapIdentity } from '../../../activities/keys/identity.ts';
import { openStanza, sameStanza, stanzaFor } from '../../../activities/keys/stanzas.ts';
import { isExactly, openWrap, type Holder } from '../../../activities/keys/wrap.ts';
import { keyBytes } from '../../../model/keys.ts';

describe('a wrap, and for whom it is', () => {
  let secret: string;
  let holders: readonly [Holder, Holder, Holder];
  let recipients: readonly [string, string, string];

  before(async () => {
    ({ identity: secret } = await newIdentity());
    holders = [await newIdentity(), await newIdentity(), await newIdentity()];
    recipients = [holders[0].recipient, holders[1].recipient, holders[2].recipient];
  });

  it('opens with each identity, and shows to whoever holds one that it opens for the others', async () => {
    const wrapped = await wrapIdentity(secret, recipients);
    for (const holder of holders) {
      const wrap = await openWrap(wrapped, [holder], recipients);
      assert.equal(wrap.identity, secret);
      assert.deepEqual(wrap.opens.toSorted(), recipients.toSorted());
      assert.ok(isExactly(wrap));
    }
  });

  it('shows who is missing, and that somebody else is in it', async () => {
    const [first, second, third] = recipients;
    const wrapped = await wrapIdentity(secret, [first, second]);
    const lacking = await openWrap(wrapped, [holders[0]], [first, third]);
    assert.deepEqual([lacking.opens, lacking.unshown, lacking.others], [[first], [third], 1]);
    const stranger = await openWrap(wrapped, [holders[0]], [first]);
    assert.deepEqual([stranger.opens, stranger.unshown, stranger.others], [[first], [], 1]);
    assert.ok(!isExactly(lacking) && !isExactly(stranger));
  });

  it('of a wrap that age made it shows those alone whose identity is at hand', async () => {
    const args = recipients.flatMap((recipient) => ['-r', recipient]);
    const byAge = execFileSync('age', ['-a', ...args], { input: `${secret}\n` }).toString();
    const one = await openWrap(byAge, [holders[0]], recipients);
    assert.deepEqual([one.opens, one.unshown.length, one.others], [[recipients[0]], 2, 2]);
    assert.ok(isExactly(await openWrap(byAge, holders, recipients)));
  });

  it('takes a stanza that names a recipient and opens for nobody for none of his', async () => {
    const [mine, other] = holders;
    const fileKey = new Uint8Array(16).fill(7);
    const stanza = stanzaFor(other.recipient, fileKey, secret);
    assert.deepEqual(openStanza(other.identity, stanza), fileKey);
    assert.equal(openStanza(mine.identity, stanza), undefined);
    stanza.body[0] = (stanza.body[0] ?? 0) ^ 1;
    assert.ok(!sameStanza(stanza, stanzaFor(other.recipient, fileKey, secret)));
    assert.equal(openStanza(other.identity, stanza), undefined);
  });

  it('has another ephemeral key in each wrap, though it is derived', async () => {
    const shares = await Promise.all([1, 2, 3].map(async () => (await wrapIdentity(secret, recipients)).slice(0, 400)));
    assert.equal(new Set(shares).size, 3);
  });

  it('says what is damaged, and what is for others', async () => {
    const wrapped = await wrapIdentity(secret, [recipients[0], recipients[1]]);
    await assert.rejects(openWrap(wrapped, [holders[2]], recipients), { code: 'missing-identity' });
    await assert.rejects(openWrap('no armor', holders, recipients), { code: 'verification-failed' });
    await assert.rejects(openWrap(await wrapIdentity('no identity', recipients), holders, recipients), {
      code: 'verification-failed',
    });
    const lines = wrapped.split('\n');
    const cut = [...lines.slice(0, -4), ...lines.slice(-2)].join('\n');
    await assert.rejects(openWrap(cut, holders, recipients), { code: 'verification-failed' });
  });

  it('the bytes of keys are those that age knows', async () => {
    assert.equal(keyBytes(secret)?.length, 32);
    assert.equal(keyBytes(await recipientOf(secret))?.length, 32);
    for (const wrong of [
      '',
      'age1',
      secret.slice(0, -1),
      `${secret.slice(0, -1)}${secret.endsWith('Q') ? 'P' : 'Q'}`,
      secret.replace('AGE', 'age'),
    ])
      assert.equal(keyBytes(wrong), undefined);
  });
});
