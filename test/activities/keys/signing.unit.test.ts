import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { keyIdOf, newSigningKey, signer, verifySignature } from '../../../activities/keys/signing.ts';
import {
  checkManifest,
  encodeManifest,
  manifestDigest,
  manifestVerdict,
  parseManifest,
} from '../../../activities/storage/manifest-file.ts';
import { signedForm } from '../../../model/manifest.ts';
import { testBackup, TEST_KEY } from '../../support/backups.ts';

const OTHER = newSigningKey();
const TRUSTED = [OTHER.publicKey, TEST_KEY.publicKey];

describe('signature', () => {
  it('is good, foreign or bad', () => {
    const ours = signer(TEST_KEY.privatePem);
    const signature = ours.sign('form');
    assert.equal(verifySignature('form', signature, TRUSTED), 'good');
    assert.equal(verifySignature('form', signature, [OTHER.publicKey]), 'foreign');
    assert.equal(verifySignature('form', signature, []), 'foreign');
    assert.equal(verifySignature('Form', signature, TRUSTED), 'bad');
    for (const ed25519 of ['', 'AAAA', 'not base64', signer(OTHER.privatePem).sign('form').ed25519]) {
      assert.equal(verifySignature('form', { ...signature, ed25519 }, TRUSTED), 'bad');
    }
  });

  it('is by a key whose name is the beginning of its digest', () => {
    const { keyId, publicKey } = signer(TEST_KEY.privatePem);
    assert.equal(publicKey, TEST_KEY.publicKey);
    assert.equal(keyId, createHash('sha256').update(Buffer.from(publicKey, 'base64')).digest('hex').slice(0, 16));
    assert.equal(keyIdOf(publicKey), keyId);
  });

  it('needs an Ed25519 key, and quotes none', () => {
    const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' })
      .privateKey.export({ type: 'pkcs8', format: 'pem' })
      .toString();
    for (const pem of ['', 'nonsense', rsa, TEST_KEY.privatePem.slice(0, 80)]) {
      assert.throws(() => signer(pem), {
        code: 'config',
        message: 'The signing key is not an Ed25519 private key in PEM.',
      });
    }
    assert.throws(() => verifySignature('form', signer(OTHER.privatePem).sign('form'), ['not a key']), {
      code: 'config',
    });
  });
});

describe('manifest', () => {
  it('is authentic when a trusted key signed exactly this one', () => {
    const { manifest } = testBackup();
    checkManifest(manifest, TRUSTED);
    assert.throws(() => checkManifest({ ...manifest, host: 'elsewhere' }, TRUSTED), {
      code: 'not-authentic',
      message: /changed after it was signed/,
    });
    assert.throws(() => checkManifest(manifest, [OTHER.publicKey]), {
      code: 'not-authentic',
      message: /not trusted here/,
    });
  });

  it('keeps its signed form when its key is rotated', () => {
    const { manifest } = testBackup();
    const rotated = { ...manifest, key: 'to other recipients' };
    assert.equal(manifestDigest(rotated), manifestDigest(manifest));
    checkManifest(rotated, TRUSTED);
  });

  it('keeps its signed form, and each unknown field, through any parsing and writing (any JSON)', () => {
    // Half of a surrogate pair is no Unicode, and has no signed form.
    const json = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(fc.dictionary(fc.string({ minLength: 1 }), json, { maxKeys: 4 }), json, (novel, nested) => {
        const { manifest } = testBackup({
          fields: { novel, nested, engine: { ...novel, nested }, position: { nested } },
        });
        const written = encodeManifest(manifest);
        const again = parseManifest(encodeManifest(parseManifest(written)));
        assert.equal(signedForm(again), signedForm(manifest));
        assert.equal(manifestVerdict(again, TRUSTED), 'good');
        // Another program may write the fields in another order and spacing.
        const fields = Object.entries(JSON.parse(Buffer.from(written).toString()) as object).toReversed(); // our own JSON
        const reordered = Buffer.from(JSON.stringify(Object.fromEntries(fields)));
        assert.equal(manifestVerdict(parseManifest(reordered), TRUSTED), 'good');
      }),
      { numRuns: 100 },
    );
  });

  it('is bad once anything in it is changed (any field)', () => {
    const { manifest } = testBackup({ fields: { novel: 1 } });
    const signed = Object.keys(manifest).filter((field) => field !== 'key' && field !== 'signature');
    for (const field of signed) {
      assert.equal(manifestVerdict({ ...manifest, [field]: 'changed' }, TRUSTED), 'bad', field);
    }
    assert.equal(manifestVerdict({ ...manifest, further: 1 }, TRUSTED), 'bad');
  });
});
