import { acquireLease, type Lease, type LeaseRequest } from './lease.ts';

/**
 * Does something under a lease, which is freed whatever happens. Where that fails too, as on a disk that has just become read-only, it hides nothing of
 * what had failed before.
 * @throws BackupError as `acquireLease`.
 */
export async function underLease<Result>(
  request: LeaseRequest,
  use: (lease: Lease) => Promise<Result>,
): Promise<Result> {
  const lease = await acquireLease(request);
  let result: Result;
  try {
    result = await use(lease);
  } catch (error) {
    await lease.release().catch(() => undefined);
    throw error;
  }
  await lease.release();
  return result;
}
