/** Every point at which a worker is killed. A new step of the product is one more line here. */
import type { SignalPoint } from '../support/worker-process.ts';
import type { SourceName } from './trial.ts';

export interface KillPoint extends Pick<SignalPoint, 'at' | 'when' | 'matching' | 'nth'> {
  /** What is done and what is not. */
  readonly name: string;
  readonly sources: readonly SourceName[];
  readonly everyTime?: boolean;
}

const BOTH = ['stack', 'db'] as const;
/** Where what is done differs by the type of the source. */
const EACH = ['stack', 'db', 'wiki', 'cache'] as const;
const ANY = ['stack'] as const;
const OPERATIONS = 'activities/operations';
const STORAGE = 'activities/storage';
/** The rename(2) that seals, and not that of the link `latest`. */
const SEAL = String.raw`/\.staging/(stack|db|wiki|cache)-`;

// prettier-ignore
export const KILL_POINTS: readonly KillPoint[] = [
  { name: 'the run is being planned', at: `${OPERATIONS}/plan-run.ts#planRun`, sources: ANY },
  // The first lease is that of the worker to its host.
  { name: 'a capture wants its lease', at: `${STORAGE}/lease.ts#acquireLease`, nth: 2, sources: ANY },
  { name: 'it holds its lease', at: `${STORAGE}/lease.ts#acquireLease`, when: 'left', nth: 2, sources: ANY },
  { name: 'it makes its staging folder', at: `${STORAGE}/repository.ts#createStaging`, sources: ANY },
  { name: 'staging is made', at: `${STORAGE}/repository.ts#createStaging`, when: 'left', sources: ANY },
  { name: 'the slot is reserved', at: 'activities/sources/postgres/bracket.ts#openBracket', when: 'left', sources: ['db'] },
  { name: "mariadb-backup's own record is kept", at: 'activities/sources/mariadb/lsn-folder.ts#keepLsnFolder', when: 'left', sources: ['wiki'] },
  { name: 'the first stream begins', at: 'activities/streams/write.ts#writeStream', sources: BOTH },
  { name: 'the first stream is written', at: 'activities/streams/write.ts#writeStream', when: 'left', sources: EACH },
  { name: 'the inventory is written', at: 'activities/streams/write.ts#writeLines', when: 'left', sources: ['db'] },
  { name: "tar's snapshot file is durable", at: 'activities/sources/files/snapshot.ts#syncSnapshot', when: 'left', sources: ['stack'] },
  { name: 'all artifacts are written', at: 'activities/keys/identity.ts#wrapIdentity', sources: ANY },
  { name: 'the manifest is signed and not written', at: `${STORAGE}/manifest-file.ts#signManifest`, when: 'left', sources: ANY },
  { name: 'between capture and seal', at: `${STORAGE}/repository.ts#sealBackup`, sources: EACH },
  { name: 'all is synced, right before the rename', at: 'fs#rename', matching: SEAL, sources: BOTH },
  { name: 'right after the rename, which is not synced', at: 'fs#rename', matching: SEAL, when: 'left', sources: BOTH },
  { name: "sealed, and the source's state has not moved on", at: `${STORAGE}/repository.ts#sealBackup`, when: 'left', sources: EACH },
  { name: 'sealed, and `latest` is the one before', at: `${STORAGE}/repository.ts#pointLatest`, sources: ANY },
  { name: 'captured, and nobody knows', at: `${OPERATIONS}/capture.ts#captureBackup`, when: 'left', sources: ANY },
  { name: 'a copy begins', at: `${OPERATIONS}/copy.ts#copyBackup`, sources: ANY },
  { name: 'an artifact is at the destination under no name', at: `${STORAGE}/read-back.ts#readBack`, sources: BOTH },
  { name: 'an artifact is put, the next is not', at: `${STORAGE}/put-file.ts#putFile`, when: 'left', sources: BOTH },
  { name: 'all artifacts are put, the manifest is not', at: `${STORAGE}/manifest-file.ts#encodeManifest`, sources: BOTH, everyTime: true },
  { name: 'copied, and nobody knows', at: `${OPERATIONS}/copy.ts#copyBackup`, when: 'left', sources: ANY },
  { name: 'verification begins', at: `${OPERATIONS}/verify.ts#verifyBackup`, sources: ANY },
  { name: 'verified, and no evidence written', at: `${STORAGE}/evidence-file.ts#writeEvidence`, sources: ANY },
  { name: 'evidence written, and nobody knows', at: `${STORAGE}/evidence-file.ts#writeEvidence`, when: 'left', sources: ANY },
  { name: 'the recovery point is to be signed', at: `${OPERATIONS}/recovery-point.ts#writeRecoveryPoint`, sources: ANY },
  { name: 'the recovery point is in the repository only', at: `${STORAGE}/repository.ts#putRepositorySmall`, when: 'left', sources: ANY },
  { name: 'retention begins', at: `${OPERATIONS}/prune/index.ts#prune`, sources: ANY },
  { name: 'retention has ended, and nobody knows', at: `${OPERATIONS}/prune/index.ts#prune`, when: 'left', sources: ANY },
];
