/** A rotation in this process, without Temporal: the same steps. A kill leaves what the workflow's would, and the same again does the rest. */
import { rotatePage } from '../../activities/operations/keys/page.ts';
import { planRotation } from '../../activities/operations/keys/plan-rotation.ts';
import { proveRotation } from '../../activities/operations/keys/prove.ts';
import type { Site } from '../../activities/site.ts';
import type { Work } from '../../activities/work.ts';
import { BackupError } from '../../model/errors.ts';
import {
  afterFailure,
  afterPage,
  afterProof,
  beginRotation,
  nextStep,
  rotationOutcome,
  type RotationInput,
  type RotationReport,
  type RotationState,
  type RotationStep,
} from '../../model/rotation.ts';

export interface RotatingHere {
  readonly site: Site;
  readonly input: RotationInput;
  readonly pageSize: number;
  readonly work: Work;
  readonly onProgress: (state: RotationReport) => void;
}

/** @throws BackupError before anything is changed, or `aborted`. What fails later is in the report. */
export async function rotateHere(request: RotatingHere): Promise<RotationReport> {
  const { site, input, onProgress } = request;
  let state = beginRotation(await planRotation(site, input));
  for (let step = nextStep(state); step !== undefined; step = nextStep(state)) {
    onProgress({ ...state, outcome: null });
    state = await taken(request, state, step);
  }
  return { ...state, outcome: rotationOutcome(state) };
}

async function taken(request: RotatingHere, state: RotationState, step: RotationStep): Promise<RotationState> {
  const { site, work, pageSize } = request;
  const { recipients, identities, shown, host } = state.spec;
  if (step.do === 'prove') {
    const places = state.places.filter((at) => at.host === host && at.pass === 'done').map(({ place }) => place);
    return afterProof(
      state,
      step.source,
      await proveRotation({ site, source: step.source, shown, identities, places, work }),
    );
  }
  try {
    if (step.at.host !== host) throw elsewhere(step.at.host);
    return afterPage(state, step, await rotatePage({ ...step, site, limit: pageSize, recipients, identities, work }));
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    const { code, message, remedy = null } = error;
    return afterFailure(state, step, { step: 'rotate', code, message, remedy });
  }
}

function elsewhere(host: string): BackupError {
  return new BackupError('unreachable', `The repository of ${host} is on another machine.`, {
    remedy: `Run it without --direct, or there: mosaic-backup keys rotate --direct --destination repository.`,
  });
}
