/** Hooks: programs and webhooks of the site's own, before and after a source or a run. */
import type { HookConfig, HooksConfig, HookTime } from '../../model/config/hooks.ts';
import { failurePolicy } from '../../model/config/hooks.ts';
import { BackupError } from '../../model/errors.ts';
import type { HooksRun } from '../../model/run.ts';
import { postJson } from '../notify/post.ts';
import type { Site } from '../site.ts';
import { howItEnded } from '../streams/how-it-ended.ts';
import { runProgram } from '../streams/run.ts';
import type { Work } from '../work.ts';

export interface HooksRequest {
  readonly site: Site;
  readonly hooks: HooksConfig;
  readonly when: HookTime;
  /** What they are told, as variables of the environment (`MOSAIC_BACKUP_RUN`) and as JSON. No secret. */
  readonly facts: HookFacts;
  readonly work: Work;
}

export interface HookFacts {
  readonly site: string;
  readonly plan: string;
  readonly run: string;
  /** Null for those of a plan. */
  readonly source: string | null;
  readonly host: string;
  /** After: how it ended. Null before. */
  readonly outcome: string | null;
}

/** sysexits.h: EX_TEMPFAIL. As borgmatic has it, nothing is wrong, and it is left out this time. */
const SOFT_SKIP = 75;

/**
 * Runs them one after another. A soft skip ends it; so does one that fails and is to stop what it is before.
 * @throws BackupError `program-failed`, `missing-program`, `unreachable` of such a one.
 */
export async function runHooks({ site, hooks, when, facts, work }: HooksRequest): Promise<HooksRun> {
  const warnings: string[] = [];
  for (const [index, hook] of (hooks?.[when] ?? []).entries()) {
    const name = `hooks.${when}[${index}]${facts.source === null ? ` of the plan ${facts.plan}` : ` of ${facts.source}`}`;
    work.progress({ phase: name, bytes: 0, total: null, activity: index });
    try {
      if (await skips({ site, hook, name, when, facts, work }))
        return { skipped: `${name} says so (exit status 75)`, warnings };
    } catch (error) {
      if (work.signal.aborted || !(error instanceof BackupError) || failurePolicy(hook, when) === 'stop') throw error;
      work.log.warn({ hook: name, code: error.code }, 'a hook failed');
      warnings.push(site.redact(error.message));
    }
  }
  return { skipped: null, warnings };
}

interface One extends Omit<HooksRequest, 'hooks'> {
  readonly hook: HookConfig;
  readonly name: string;
}

/** Runs one; whether it is a soft skip. */
async function skips({ site, hook, name, when, facts, work }: One): Promise<boolean> {
  const { signal } = work;
  if ('webhook' in hook) {
    const url = typeof hook.webhook === 'string' ? hook.webhook : await site.readSecret(hook.webhook);
    await postJson({ url, name: `The webhook ${name}`, body: { ...facts, when }, timeout: hook.timeout, signal });
    return false;
  }
  const [command = '', ...args] = hook.command;
  const accept = when === 'before' ? [SOFT_SKIP] : [];
  try {
    const program = { command, args, env: environmentOf(facts, when), accept };
    const { code } = await runProgram(program, { timeout: hook.timeout, signal, quiet: true });
    return code === SOFT_SKIP;
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    throw failed(name, command, error);
  }
}

/** Neither its arguments nor what it printed, which goes to Temporal, alerts and recovery points: either may hold a secret. */
function failed(name: string, command: string, error: BackupError): BackupError {
  const byHand = `Run ${command} by hand as the user that runs mosaic-backup: what it printed is not repeated here.`;
  return new BackupError(error.code, `${name}: ${command} ${howItEnded(error)}`, {
    remedy: error.code === 'missing-program' ? `Install it, or correct its path in the config.` : byHand,
  });
}

function environmentOf(facts: HookFacts, when: HookTime): Readonly<Record<string, string>> {
  const known = Object.entries({ ...facts, when }).filter(([, value]) => value !== null);
  return Object.fromEntries(known.map(([key, value]) => [`MOSAIC_BACKUP_${key.toUpperCase()}`, String(value)]));
}
