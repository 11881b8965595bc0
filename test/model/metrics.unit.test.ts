import assert from 'node:assert/strict';
import { workerOf } from '../../model/config/hosts.ts';
import { listenOf, metricsConfig } from '../../model/config/worker.ts';
import { exposition } from '../../model/metrics.ts';

describe('metrics', () => {
  it('are written as Prometheus reads them, whatever a label holds', () => {
    const labels = { site: 'a "b"\\c\nd', source: 'db' };
    assert.equal(
      exposition([
        { name: 'backup_x', help: 'What\nit is.', type: 'gauge', samples: [{ labels, value: 1.5 }] },
        { name: 'backup_none', help: 'Nothing.', type: 'counter', samples: [] },
        { name: 'backup_y', help: 'Bare.', type: 'counter', samples: [{ labels: {}, value: 0 }] },
      ]),
      [
        String.raw`# HELP backup_x What\nit is.`,
        '# TYPE backup_x gauge',
        String.raw`backup_x{site="a \"b\"\\c\nd",source="db"} 1.5`,
        '# HELP backup_y Bare.',
        '# TYPE backup_y counter',
        'backup_y 0',
        '',
      ].join('\n'),
    );
  });

  it('listen at an address of this machine, and at no name', () => {
    assert.deepEqual(listenOf('127.0.0.1:9464'), { host: '127.0.0.1', port: 9464 });
    assert.deepEqual(listenOf('[::1]:9464'), { host: '::1', port: 9464 });
    for (const listen of ['localhost:9464', '9464', '127.0.0.1', '127.0.0.1:99999', '::1:9464'])
      assert.equal(metricsConfig.safeParse({ listen }).success, false, listen);
  });
});

describe('the worker of a host', () => {
  const worker = { captures: undefined, grace: 10_000 };

  it('captures as much at once as it has cores, within reason, unless the config says otherwise', () => {
    const of = (cores: number) => workerOf({ hosts: undefined, worker, metrics: undefined }, 'one', cores).captures;
    assert.deepEqual([of(1), of(4), of(64)], [2, 4, 8]);
    const config = { hosts: { one: { captures: 1 }, two: {} }, worker: { ...worker, captures: 3 }, metrics: undefined };
    assert.equal(workerOf(config, 'one', 4).captures, 1);
    assert.equal(workerOf(config, 'two', 4).captures, 3);
  });

  it('has its metrics where it says itself, else where the site says, else none', () => {
    const metrics = { listen: '127.0.0.1:9464' };
    const hosts = { one: { metrics: { listen: '10.0.0.1:9464' } }, two: {} };
    assert.equal(workerOf({ hosts, worker, metrics }, 'one', 1).listen, '10.0.0.1:9464');
    assert.equal(workerOf({ hosts, worker, metrics }, 'two', 1).listen, '127.0.0.1:9464');
    assert.equal(workerOf({ hosts, worker, metrics: undefined }, 'two', 1).listen, null);
  });
});
