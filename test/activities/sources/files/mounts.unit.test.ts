import assert from 'node:assert/strict';
import { findCopies } from '../../../../activities/sources/files/copies.ts';
import {
  insideOf,
  mountOf,
  mountsBelow,
  parseMountinfo,
  visible,
} from '../../../../activities/sources/files/mounts.ts';

const MOUNTINFO = String.raw`22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw,nosuid - proc proc rw
30 22 8:1 / /srv rw,relatime shared:2 master:7 - xfs /dev/sda1 rw
31 30 8:2 / /srv/data rw - ext4 /dev/sda2 rw
32 31 8:3 / /srv/data/with\040space\134 rw - ext4 /dev/sda3 rw
33 22 254:0 /opt/app /mnt/bind rw - ext4 /dev/vda rw
`;
const COVERED = `${MOUNTINFO}40 30 0:50 / /srv rw - tmpfs none rw\n`;

describe('mounts', () => {
  it('are read from mountinfo, escaped names too', () => {
    const mounts = parseMountinfo(MOUNTINFO);
    assert.equal(mounts.length, 6);
    assert.deepEqual(mounts[4], {
      id: 32,
      parent: 31,
      device: '8:3',
      root: '/',
      point: '/srv/data/with space\\',
      type: 'ext4',
    });
    assert.equal(mounts[5]?.root, '/opt/app');
  });

  it('below a path are found in order, its own one is not among them', () => {
    const mounts = visible(parseMountinfo(MOUNTINFO));
    assert.deepEqual(
      mountsBelow(mounts, '/srv').map(({ point }) => point),
      ['/srv/data', '/srv/data/with space\\'],
    );
    assert.deepEqual(mountsBelow(mounts, '/srv/dat'), []);
    assert.equal(mountOf(mounts, '/srv/data/x')?.point, '/srv/data');
    assert.equal(mountOf(mounts, '/srv2')?.point, '/');
  });

  it('that others cover are not seen', () => {
    const mounts = visible(parseMountinfo(COVERED));
    assert.deepEqual(mountsBelow(mounts, '/srv'), []);
    assert.equal(mountOf(mounts, '/srv/data')?.type, 'tmpfs');
  });

  it('show one folder at two places when they are bound', () => {
    const mounts = visible(parseMountinfo(MOUNTINFO));
    const region = (path: string) => {
      const mount = mountOf(mounts, path);
      assert.ok(mount);
      const fileSystem = { path, mountPoint: mount.point, type: mount.type };
      return { path, device: mount.device, inside: insideOf(mount, path), fileSystem };
    };
    assert.deepEqual(findCopies([region('/opt'), region('/mnt/bind')]), [['/opt', '/mnt/bind']]);
    assert.deepEqual(findCopies([region('/opt/app/sub'), region('/mnt/bind')]), [['/mnt/bind', '/opt/app/sub']]);
    assert.deepEqual(findCopies([region('/etc'), region('/mnt/bind'), region('/srv')]), []);
  });
});
