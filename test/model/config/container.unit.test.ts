import assert from 'node:assert/strict';
import { containerChoice } from '../../../model/config/container.ts';
import { postgresSource } from '../../../model/config/source.ts';

function parsed(container: unknown, options: object = {}) {
  return postgresSource.safeParse({ type: 'postgres', connection: { container, ...options } });
}

function meant(container: unknown) {
  const chosen = parsed(container).data?.connection.container;
  return chosen === undefined ? null : containerChoice(chosen);
}

/** What is wrong, as `key: message`. */
function complaints(container: unknown, options: object = {}): readonly string[] {
  const { error } = parsed(container, options);
  return (error?.issues ?? []).map(({ path, message }) => `${path.join('.')}: ${message}`);
}

describe('connection.container', () => {
  it('is a name, or a name or label with socket and user', () => {
    const socket = '/var/run/docker.sock';
    assert.deepEqual(meant('pg'), { by: { name: 'pg' }, user: undefined, socket });
    assert.deepEqual(meant({ name: 'pg', user: 'postgres' }), { by: { name: 'pg' }, user: 'postgres', socket });
    assert.deepEqual(meant({ label: 'a=b', socket: '/x' }), { by: { label: 'a=b' }, user: undefined, socket: '/x' });
    assert.equal(meant(undefined), null);
  });

  it('names it one way', () => {
    for (const container of [{}, { name: 'pg', label: 'a=b' }]) {
      const [complaint = ''] = complaints(container);
      assert.match(complaint, /^connection\.container: .*either by its name or by a label\nWrite one/);
    }
  });

  it('leads to a socket or an address inside, without TLS', () => {
    assert.match(complaints('pg', { host: 'db.example' }).join(), /^connection: .* reached inside it\n/);
    assert.match(complaints('pg', { sslmode: 'require' }).join(), /^connection: .*\nLeave sslmode/);
    assert.deepEqual(complaints('pg', { host: '127.0.0.1' }), []);
    assert.deepEqual(complaints('pg', { host: '/tmp' }), []);
  });
});
