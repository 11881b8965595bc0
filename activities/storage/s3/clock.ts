/** What time it is at the server: locks and retention count by its clock. */
import { BackupError } from '../../../model/errors.ts';
import type { Bucket } from './bucket.ts';

/** From the head of an answer, so that nothing is written for it. To the second. */
export async function serverTime(bucket: Bucket): Promise<Date> {
  let told = '';
  await bucket.call({ doing: 'asking for the time', right: 's3:ListBucket' }, async (s3, options) => {
    const { HeadBucketCommand } = await import('@aws-sdk/client-s3');
    const command = new HeadBucketCommand({ Bucket: bucket.name });
    command.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        told = dateOf(answer.response);
        return answer;
      },
      { step: 'deserialize', priority: 'low', name: 'date' },
    );
    await s3.send(command, options);
  });
  const time = new Date(told);
  if (!Number.isNaN(time.getTime())) return time;
  throw new BackupError('failed', `${bucket.where.destination} does not tell the time.`, {
    remedy: 'Look what lies between: every HTTP server sends a Date.',
    facts: { destination: bucket.where.destination },
  });
}

function dateOf(response: unknown): string {
  if (typeof response !== 'object' || response === null || !('headers' in response)) return '';
  const { date } = response.headers as Readonly<Record<string, string | undefined>>; // as every answer of the SDK has them
  return date ?? '';
}
