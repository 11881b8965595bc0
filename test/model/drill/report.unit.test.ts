import assert from 'node:assert/strict';
import { drillMarkdown } from '../../../model/drill/markdown.ts';
import { drillPage } from '../../../model/drill/page.ts';
import { drillSourceDetails } from '../../../workflows/drill-details.ts';
import { drilledSource, drillReport, timedStep } from '../../support/drills.ts';

const NASTY = '</text><script>alert(1)</script> | **x** `y` [a](http://evil.example)\n# heading\u202e';

describe('the report of a drill', () => {
  it('says in Markdown what came of it, what it missed and why, and how it stands beside earlier ones', () => {
    const earlier = drillReport({ declared: '2026-07-19T09:30:00.000Z' });
    const slower = drillReport({ fields: { objectives: { rto: 240_000, rpo: 7_200_000 } } });
    const text = drillMarkdown(slower, [earlier]);
    for (const expected of [
      '# Drill drill-2026-10-18T09:13:20Z: host-lost\n',
      '**complete**: all was back after 5m (objective 4m: missed); 1h of data were lost (objective 2h: held).',
      '**The whole: RTO** was 5m, the objective is 4m.\n\n- postgres/restore took 2m 40s, 53 % of it',
      '| postgres | complete | 8.0s | 2m 40s | 10s | 5.0s | 3m 25s | 3.0 GiB | vault |',
      'declare → provision (12s) → choose (10s) → postgres/fetch (8.0s)',
      'With **drill-2026-07-19T09:30:00Z** (host-lost), declared 2026-07-19T09:30:00Z:',
      '| the whole | 5m | 5m | the same | 1h | 1h | the same |',
      'restore daily/postgres/20261018T020000Z-full --source postgres --from vault --at 2026-10-18T09:12:20.000Z --to ',
    ])
      assert.ok(text.includes(expected), `${expected}\nin:\n${text}`);
    assert.ok(!text.includes('<svg'));
  });

  it('names what was not cut off from production, and nothing of the kind where all was', () => {
    const started = { command: ['redis-server'], newest: [], isolation: 'it had a network' };
    const cache = drilledSource({ source: 'cache', type: 'redis', at: [0, 1, 2, 3, 4], fields: { started } });
    const text = drillMarkdown(drillReport({ sources: [cache] }), []);
    assert.ok(text.includes('## What was not cut off from production\n\n- **cache**: it had a network\n'), text);
    assert.ok(!drillMarkdown(drillReport(), []).includes('cut off'));
    assert.ok(drillSourceDetails(cache, 'drill-1').includes('\n**not cut off**: it had a network\n'));
  });

  it('is the same for the same, in whatever order the earlier ones come', () => {
    const [one, two] = [
      drillReport({ declared: '2026-07-19T09:30:00.000Z' }),
      drillReport({ scenario: 'key-lost', declared: '2026-08-19T09:30:00.000Z' }),
    ];
    assert.equal(drillMarkdown(drillReport(), [one, two]), drillMarkdown(drillReport(), [two, one]));
    assert.equal(drillPage(drillReport(), [one, two]), drillPage(drillReport(), [two, one]));
  });

  it('lets no text from outside be markup', () => {
    const source = drilledSource({
      source: 'wiki',
      at: [22, 24, 80, 80, 82],
      fields: {
        outcome: 'failed',
        rto: null,
        probes: [{ name: NASTY, ok: false, detail: NASTY, milliseconds: 1 }],
        errors: [{ step: 'probe', code: 'failed', message: NASTY, remedy: NASTY }],
        restored: {
          command: ['mosaic-backup', NASTY],
          place: NASTY,
          passed: [NASTY],
          damaged: [],
          bytes: 1,
          milliseconds: 1,
        },
      },
    });
    const report = drillReport({
      sources: [{ ...source, source: NASTY, steps: [timedStep({ id: `${NASTY}/restore`, from: 1, to: 2 })] }],
      fields: { rto: null, host: NASTY, confirmations: [{ phase: 'probe', milliseconds: 1, note: NASTY }] },
    });
    const page = drillPage(report, []);
    assert.ok(!page.includes('<script'), 'no element of its own');
    assert.ok(!/[\u202a-\u202e]/.test(page));
    assert.match(page, /&lt;script&gt;/);
    assert.ok(!/(?:src|href)=|url\((?!#)|@import/.test(page), 'it needs nothing else');
    const text = drillMarkdown(report, []);
    const outside = text.replaceAll(/```[^]*?```/g, '');
    assert.ok(!/(?<!\\)<script/.test(outside), outside);
    assert.ok(!/(?<!\\)\*\*x/.test(outside));
    assert.ok(!outside.includes('http://evil'), 'no link by itself');
    assert.deepEqual(
      outside.split('\n').filter((line) => /^#+ heading/.test(line)),
      [],
    );
    const rows = outside.split('\n').filter((line) => line.startsWith('|'));
    assert.ok(rows.length > 0 && rows.every((row) => row.endsWith(' |')), 'no cell breaks its row');
  });

  it('draws a lane for each source, the critical path, and the lines of the declaration, the objective and all green', () => {
    const page = drillPage(drillReport(), []);
    const lanes = [...page.matchAll(/text-anchor="end" fill="#000">([^<]+)</g)].map(([, name]) => name);
    assert.deepEqual(lanes, ['the whole', 'postgres', 'wiki', 'cache']);
    const bars = [...page.matchAll(/<title>([^<]+)<\/title><\/rect>(<rect[^>]*class="critical")?/g)];
    assert.equal(bars.length, 2 + 3 * 4);
    const critical = bars.filter(([, , mark]) => mark !== undefined).map(([, title = '']) => title.split(':')[0]);
    assert.ok(critical.includes('cache/restore') && !critical.includes('wiki/restore'), critical.join());
    for (const text of ['>declared<', '>all green after 5m<', '>objective 10m →<'])
      assert.ok(page.includes(text), text);
    const near = drillPage(drillReport({ fields: { objectives: { rto: 240_000, rpo: null } } }), []);
    const at = (text: string) => Number(new RegExp(`<line x1="([\\d.]+)"[^>]*/><text[^>]*>${text}`).exec(near)?.[1]);
    assert.ok(at('declared') < at('objective 4m') && at('objective 4m') < at('all green'), 'in the order of time');
  });

  it('draws so many sources that each picture fits on a page, and none twice', () => {
    const sources = Array.from({ length: 100 }, (_, index) =>
      drilledSource({ source: `source-${index}`, at: [22, 24, 80 + index, 80 + index, 82 + index] }),
    );
    const page = drillPage(drillReport({ sources }), []);
    const heights = [...page.matchAll(/<svg viewBox="0 0 1000 (\d+)"/g)].map(([, height]) => Number(height));
    assert.equal(heights.length, 3);
    // Of 178 mm width an A4 page has 265 mm of height.
    assert.ok(
      heights.every((height) => (height / 1000) * 178 < 250),
      heights.join(),
    );
    for (const { source } of sources) assert.equal(page.split(`>${source}</text>`).length, 2, source);
  });
});
