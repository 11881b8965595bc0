import assert from 'node:assert/strict';
import {
  afterFailure,
  afterPage,
  afterProof,
  beginRotation,
  nextStep,
  rotationOutcome,
  TOLD,
  type PageResult,
  type PageStep,
  type RotationProblem,
  type RotationState,
} from '../../model/rotation.ts';

const WAITS = { retryFirst: 1, retryMax: 1, heartbeat: 1, standstill: 1 };
const SPEC = {
  site: 'prod',
  host: 'one',
  identities: [],
  recipients: ['age1a', 'age1b'],
  shown: ['age1a'],
  places: [
    { place: 'repository', host: 'one' },
    { place: 'vault', host: 'one' },
  ],
  waits: WAITS,
};
const PAGE: PageResult = { seen: 1, rewritten: 1, left: 0, problems: [], sources: ['db'], next: null };
const PROOF = { source: 'db', recipient: 'age1a', place: 'repository', backup: 'x', ok: true, detail: '' };

describe('the order of a rotation', () => {
  function page(state: RotationState): PageStep {
    const step = nextStep(state);
    assert.ok(step?.do === 'page');
    return step;
  }

  function problem(state: RotationState, backup: string, message: string): RotationProblem {
    const { at, pass } = page(state);
    return { ...at, pass, backup, code: 'refused', message, remedy: null };
  }

  /** Walks to the end; each page is answered by `answer`. */
  function walk(answer: (state: RotationState, step: PageStep) => PageResult): {
    readonly state: RotationState;
    readonly steps: readonly string[];
  } {
    let state = beginRotation(SPEC);
    const steps: string[] = [];
    for (let step = nextStep(state); step !== undefined; step = nextStep(state)) {
      steps.push(
        step.do === 'page' ? `${step.pass} ${step.at.place} ${step.after ?? ''}`.trim() : `prove ${step.source}`,
      );
      state =
        step.do === 'page' ? afterPage(state, step, answer(state, step)) : afterProof(state, step.source, [PROOF]);
    }
    return { state, steps };
  }

  it('writes everywhere first, page by page, then reads everything again, then restores', () => {
    const { state, steps } = walk((_state, { after, pass }) => ({
      ...PAGE,
      next: after === null && pass === 'rewrite' ? 'k' : null,
    }));
    assert.deepEqual(steps, [
      'rewrite repository',
      'rewrite repository k',
      'rewrite vault',
      'rewrite vault k',
      'check repository',
      'check vault',
      'prove db',
    ]);
    assert.equal(rotationOutcome(state), 'complete');
  });

  it('tells why a backup is left by what the writing said, where the check finds it left; and forgets it where it does not', () => {
    const { state } = walk((at, { pass, at: { place } }) => {
      if (place !== 'vault') return PAGE;
      const problems =
        pass === 'rewrite'
          ? ['a', 'b'].map((name) => problem(at, name, 'does not overwrite'))
          : [problem(at, 'a', 'has others'), problem(at, 'c', 'came since')];
      return { ...PAGE, left: 2, problems };
    });
    assert.deepEqual(
      state.problems.map(({ backup, message }) => [backup, message]),
      [
        ['a', 'does not overwrite'],
        ['c', 'came since'],
      ],
    );
    assert.equal(state.places[1]?.left, 2);
    assert.equal(rotationOutcome(state), 'partial');
  });

  it('keeps its state small, whatever a place refuses', () => {
    const { state } = walk((at) => ({
      ...PAGE,
      left: 500,
      problems: Array.from({ length: 500 }, (_, index) => problem(at, String(index), 'no')),
    }));
    assert.ok(state.problems.length <= TOLD);
    assert.equal(state.places[0]?.left, 500);
  });

  it('leaves a place that is away, and is failed only where every place is', () => {
    const away = { step: 'rotate', code: 'unreachable', message: 'gone', remedy: null };
    let state = beginRotation(SPEC);
    state = afterFailure(state, page(state), away);
    assert.equal(page(state).at.place, 'vault');
    assert.equal(rotationOutcome(afterFailure(state, page(state), away)), 'failed');
    state = afterPage(state, page(state), PAGE);
    state = afterPage(state, page(state), PAGE);
    assert.equal(rotationOutcome(afterProof(state, 'db', [PROOF])), 'partial');
  });

  it('is not complete without a restore of every source with every identity that was shown', () => {
    const { state } = walk(() => PAGE);
    assert.equal(rotationOutcome({ ...state, proofs: [] }), 'partial');
    assert.equal(rotationOutcome({ ...state, proofs: [{ ...PROOF, ok: false }] }), 'partial');
    assert.equal(rotationOutcome({ ...state, sources: ['db', 'other'] }), 'partial');
    assert.equal(rotationOutcome({ ...state, spec: { ...SPEC, shown: ['age1a', 'age1b'] } }), 'partial');
  });
});
