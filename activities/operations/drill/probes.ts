/** Whether what was recovered does its work again: the engine answers, or the files are there; then whatever the user asks. */
import { readdir } from 'node:fs/promises';
import type { Probed } from '../../../model/drill/drill.ts';
import { BackupError } from '../../../model/errors.ts';
import type { SourceType } from '../../../model/source.ts';
import type { Site } from '../../site.ts';
import type { Service } from '../../sources/service.ts';
import { ifThere } from '../../storage/fs-errors.ts';
import type { Work } from '../../work.ts';
import { runProbes, type Asked } from '../probe/index.ts';
import { sourceConfig } from '../source-config.ts';

export interface LookRequest {
  readonly site: Site;
  readonly source: string;
  /** Null where nothing runs on it. */
  readonly service: Service | null;
  readonly restored: string;
  /** An empty folder that others may pass. */
  readonly scratch: string;
  readonly work: Work;
}

/** What could not be asked on this machine is red: the drill is to show that it can. It is marked, as it says nothing of the backup. */
export async function lookAtRecovered(request: LookRequest): Promise<readonly Probed[]> {
  const { site, source, service, restored, work } = request;
  const config = sourceConfig(site, source);
  const own = service ? await answers(config.type, service, work) : await isThere(restored);
  const answered = own.ok ? await runProbes({ ...request, config }) : [];
  return [{ ...own, own: true }, ...answered.map(probedOf)];
}

function probedOf({ name, asked, ok, detail, milliseconds }: Asked): Probed {
  return { name, ok, detail, milliseconds, ...(asked ? {} : { asked }) };
}

/** What any server of a type answers. */
const QUESTIONS: Readonly<Partial<Record<SourceType, { readonly text: string; readonly answer: string }>>> = {
  postgres: { text: 'SELECT 1', answer: '1' },
  mariadb: { text: 'SELECT 1', answer: '1' },
  redis: { text: 'PING', answer: 'PONG' },
};

async function answers(type: SourceType, service: Service, work: Work): Promise<Probed> {
  const question = QUESTIONS[type];
  const began = Date.now();
  const took = () => Date.now() - began;
  const name = 'answers';
  if (!question) return { name, ok: service.running(), detail: 'it runs', milliseconds: took() };
  try {
    const answer = await service.ask({ text: question.text }, work);
    const ok = answer.trim() === question.answer;
    return { name, ok, detail: `${question.text} gave ${answer.trim().slice(0, 100)}`, milliseconds: took() };
  } catch (error) {
    if (!(error instanceof BackupError) || error.code === 'aborted') throw error;
    return { name, ok: false, detail: error.message, milliseconds: took() };
  }
}

async function isThere(restored: string): Promise<Probed> {
  const began = Date.now();
  const entries = (await ifThere(readdir(restored))) ?? [];
  const detail = entries.length === 0 ? 'nothing is there' : `there: ${entries.slice(0, 3).join(', ')}`;
  return { name: 'is there', ok: entries.length > 0, detail, milliseconds: Date.now() - began };
}
