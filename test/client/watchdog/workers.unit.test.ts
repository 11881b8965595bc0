import assert from 'node:assert/strict';
import type { Site } from '../../../activities/site.ts';
import { queuesToWatch } from '../../../client/watchdog/workers.ts';

describe('whose workers a watchdog looks at', () => {
  it('the coordinator at all, any other host at itself and the coordinator: each is watched by somebody else', () => {
    assert.deepEqual(watched('head'), ['head', 'one', 'two']);
    assert.deepEqual(watched('one'), ['head', 'one']);
    assert.deepEqual(watched('two'), ['head', 'two']);
  });

  it("every queue of a host, and the site's own, where the coordinator plans", () => {
    const queues = queuesToWatch(siteOf('one')).map(({ queue, type, host }) => `${host}: ${queue} (${type})`);
    assert.deepEqual(queues, [
      'head: prod (workflow)',
      'head: prod (activity)',
      'head: prod.head (activity)',
      'head: prod.head.copies (activity)',
      'head: prod.head.short (activity)',
      'one: prod.one (activity)',
      'one: prod.one.copies (activity)',
      'one: prod.one.short (activity)',
    ]);
  });

  function watched(host: string): readonly string[] {
    return [...new Set(queuesToWatch(siteOf(host)).map((queue) => queue.host))];
  }

  function siteOf(host: string): Pick<Site, 'config' | 'host'> {
    const hosts = { head: {}, one: {}, two: {} };
    // Of a config only the names count here.
    return { host, config: { site: 'prod', hosts, coordinator: 'head' } as unknown as Site['config'] };
  }
});
