import assert from 'node:assert/strict';
import { countDevices, isThisMachine } from '../../model/device.ts';

describe('devices of copies', () => {
  const OWN = ['server:127.0.0.1', 'server:127.0.0.1:/dev/sda1', 'server:localhost', 'server:::1', 'server:[::1]'];

  it('are this machine where a server is reached by loopback, and no other', () => {
    for (const device of OWN) assert.equal(isThisMachine(device), true, device);
    for (const device of ['server:vault', 'server:localhost.example.org', 'server:10.127.0.0.1', 'disk:sda', 's3:aws'])
      assert.equal(isThisMachine(device), false, device);
  });

  it('are no more by a server of this machine, and still one where there is nothing else', () => {
    assert.equal(countDevices(['disk:sda', ...OWN]), 1);
    assert.equal(countDevices(['disk:sda', 'server:vault', ...OWN]), 2);
    assert.equal(countDevices(OWN), 1);
    assert.equal(countDevices([]), 0);
  });
});
