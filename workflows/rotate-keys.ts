/**
 * A rotation of recipients: the key of every backup, at every place, is wrapped to those of the config now, page by page; then every
 * manifest is read again and checked, and something of each source is restored with a new key alone. It can be paused
 * between two pages, and goes on after any death where it was. What it does is in model/rotation.ts.
 */
import { condition, continueAsNew, setCurrentDetails, setHandler, upsertSearchAttributes } from '@temporalio/workflow';
import {
  afterFailure,
  afterPage,
  afterProof,
  beginRotation,
  nextStep,
  rotationOutcome,
  type PageStep,
  type RotationInput,
  type RotationReport,
  type RotationState,
} from '../model/rotation.ts';
import { pauseRotation, rotationStatus } from './messages.ts';
import { rotationDetails } from './rotation-details.ts';
import { OUTCOME } from './search-attributes.ts';
import { stepError } from './step-error.ts';
import { rotationPlanning, rotationSteps } from './steps.ts';

export interface RotationRun extends RotationInput {
  /** Backups in a page: so long a pause takes to come. */
  readonly pageSize: number;
  /** Steps after which the history begins anew. */
  readonly stepsPerRun: number;
  /** Where an earlier part of this rotation has come to. */
  readonly state?: RotationState;
}

export async function rotateKeys(run: RotationRun): Promise<RotationReport> {
  const { site, host } = run;
  let state: RotationState | undefined = run.state;
  let paused = run.state?.paused ?? false;
  const report = (): RotationReport => ({ ...known(), outcome: null });
  setHandler(rotationStatus, report);
  setHandler(pauseRotation, (wanted) => {
    paused = wanted;
    if (state) enter(state);
  });

  enter(state ?? (await planned()));
  for (let steps = 0; ; steps++) {
    await condition(() => !paused);
    const step = nextStep(known());
    if (step === undefined) break;
    if (steps >= run.stepsPerRun) return continueAsNew<typeof rotateKeys>({ ...run, state: known() });
    enter(step.do === 'page' ? await page(step) : await prove(step.source));
  }

  const outcome = rotationOutcome(known());
  upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  setCurrentDetails(rotationDetails({ ...known(), outcome }));
  return { ...known(), outcome };

  function known(): RotationState {
    if (state) return state;
    const spec = { ...run, recipients: [], shown: [], places: [], waits: NONE };
    return { ...beginRotation(spec), paused };
  }

  function enter(next: RotationState): void {
    state = { ...next, paused };
    setCurrentDetails(rotationDetails({ ...state, outcome: null }));
  }

  async function planned(): Promise<RotationState> {
    const { site: _site, host: _host, place, identities } = run;
    const input: RotationInput = { site, host, identities, ...(place === undefined ? {} : { place }) };
    const { planRotation } = rotationPlanning(site, host);
    const summary = 'read the config: recipients, places, and whether an identity is at hand';
    return beginRotation(await planRotation.executeWithOptions({ summary }, [input]));
  }

  async function page(step: PageStep): Promise<RotationState> {
    const { recipients, identities, waits } = known().spec;
    const { rotatePage } = rotationSteps(site, step.at.host, waits);
    const summary = `${step.pass === 'rewrite' ? 'wrap keys anew' : 'read again and check'}: ${step.at.place} of ${step.at.host}`;
    try {
      const input = {
        ...step,
        limit: run.pageSize,
        recipients: [...recipients],
        identities: filesFor(step.at.host),
        waits,
      };
      return afterPage(known(), step, await rotatePage.executeWithOptions({ summary }, [input]));
    } catch (error) {
      return afterFailure(known(), step, stepError('rotate', error));
    }

    /** Files that the operator named lie on one host. */
    function filesFor(at: string): string[] {
      return at === host ? [...identities] : [];
    }
  }

  async function prove(source: string): Promise<RotationState> {
    const { spec, places } = known();
    const done = places.filter(({ host: at, pass }) => at === host && pass === 'done').map(({ place }) => place);
    const input = { source, shown: [...spec.shown], identities: [...spec.identities], places: done, waits: spec.waits };
    try {
      const { proveRotation } = rotationSteps(site, host, spec.waits);
      const summary = `restore something of ${source} with each new key alone`;
      return afterProof(known(), source, await proveRotation.executeWithOptions({ summary }, [input]));
    } catch (error) {
      const { message } = stepError('prove', error);
      return afterProof(
        known(),
        source,
        spec.shown.map((recipient) => ({ source, recipient, place: '', backup: '', ok: false, detail: message })),
      );
    }
  }
}

/** Before the config is read. */
const NONE = { retryFirst: 0, retryMax: 0, heartbeat: 0, standstill: 0 };
