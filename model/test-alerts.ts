/** What of restore tests somebody is told: a backup that did not restore as it was, and one of which that is not known. Pure. */
import type { Condition } from './alert.ts';
import { REPOSITORY } from './rotation.ts';
import type { TestReport } from './restore-test.ts';

/** The key of the alert about a source at a place: its next test there that proves something ends it, and no good copy elsewhere. */
function keyOf({ source, choice }: Pick<TestReport, 'source' | 'choice'>): string {
  return choice ? `restore-test/${source}/${choice.place ?? REPOSITORY}` : `restore-test/${source}`;
}

/** The keys that tests tell of: where one was restored, that nothing could be restored is over too. One that was cancelled tells nothing. */
export function testKeys(tests: readonly TestReport[]): ReadonlySet<string> {
  const ended = tests.filter(({ outcome }) => outcome !== null);
  return new Set(ended.flatMap((test) => [keyOf(test), keyOf({ source: test.source, choice: null })]));
}

export function testConditions(tests: readonly TestReport[]): readonly Condition[] {
  return tests.flatMap(({ source, host, outcome, choice, proven, errors }) => {
    if (outcome === 'complete' || outcome === null) return [];
    const [error] = errors;
    const of = choice ? `${choice.backup.reference} from ${choice.place ?? 'the repository'}` : `a backup of ${source}`;
    const why = error?.message ?? proven?.unrecorded ?? proven?.notCompared[0] ?? 'nothing could be compared';
    return [
      {
        alert: outcome === 'failed' ? 'restore-test-failed' : 'restore-test-partial',
        key: keyOf({ source, choice }),
        source,
        host,
        message: `The restore test of ${of} ${outcome === 'failed' ? 'failed' : 'proved nothing'}: ${why}`,
        remedy: error?.remedy ?? 'mosaic-backup runs show RUN says what was compared; then: mosaic-backup test-restore',
        once: false,
      },
    ];
  });
}
