import assert from 'node:assert/strict';
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from 'age-encryption';
import * as fc from 'fast-check';
import { newSigningKey } from '../../activities/keys/signing.ts';
import { isPublicKey, isRecipient } from '../../model/keys.ts';

const LETTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

describe('recipient', () => {
  it('is what age makes', async () => {
    assert.ok(
      isRecipient('age1cy0su9fwf3gf9mw868g5yut09p6nytfmmnktexz2ya5uqg9vl9sss4euqm'),
      "of age's own documentation",
    );
    for (let count = 0; count < 20; count += 1)
      assert.ok(isRecipient(await identityToRecipient(await generateX25519Identity())));
  });

  it('is nothing else', async () => {
    const identity = await generateX25519Identity();
    const recipient = await identityToRecipient(identity);
    const others = [
      '',
      'age1',
      identity,
      recipient.toUpperCase(),
      ` ${recipient}`,
      `${recipient}\n`,
      `${recipient}q`,
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ',
      'age1yubikey1q2w7u3vpya839jxxuq8g0sedh3d740d4xvn639sqhr95ejj8vu3hyfumptt',
      await identityToRecipient(await generateHybridIdentity()),
    ];
    for (const text of others) assert.equal(isRecipient(text), false, text);
  });

  it('is none with one letter wrong, or two swapped (any of them)', async () => {
    const recipient = await identityToRecipient(await generateX25519Identity());
    const at = fc.integer({ min: 4, max: recipient.length - 1 });
    fc.assert(
      fc.property(at, fc.constantFrom(...LETTERS.split('')), (index, letter) => {
        const typo = recipient.slice(0, index) + letter + recipient.slice(index + 1);
        assert.equal(isRecipient(typo), typo === recipient);
      }),
    );
    fc.assert(
      fc.property(at, (index) => {
        const swapped =
          recipient.slice(0, index - 1) +
          recipient.charAt(index) +
          recipient.charAt(index - 1) +
          recipient.slice(index + 1);
        assert.equal(isRecipient(swapped), swapped === recipient);
      }),
    );
  });
});

describe('public key', () => {
  it('is 32 bytes in base64, in their one spelling', () => {
    const { publicKey } = newSigningKey();
    assert.ok(isPublicKey(publicKey));
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 32, maxLength: 32 }), (bytes) => {
        assert.ok(isPublicKey(Buffer.from(bytes).toString('base64')));
      }),
    );
    const lax = `${publicKey.slice(0, 42)}B=`;
    for (const text of [
      '',
      publicKey.slice(1),
      `${publicKey}=`,
      lax,
      Buffer.alloc(33).toString('base64'),
      Buffer.alloc(31).toString('base64'),
    ]) {
      assert.equal(isPublicKey(text), false, text);
    }
  });
});
