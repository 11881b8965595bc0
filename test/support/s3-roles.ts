/** The roles of infra/roles as the policy of a bucket: the actions are those of the files, to the letter. */
import { readFile } from 'node:fs/promises';
import type { Gateway } from './versitygw.ts';

const ROLES = new URL('../../infra/roles/', import.meta.url);

/** @param roles file of a role, and the user who has it. */
export async function grant(
  { admin }: Pick<Gateway, 'admin'>,
  bucket: string,
  roles: Readonly<Record<string, string>>,
): Promise<void> {
  const statements = await Promise.all(Object.entries(roles).map(([role, user]) => statementsOf(bucket, role, user)));
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement: statements.flat() });
  await admin.putBucketPolicy({ Bucket: bucket, Policy });
}

async function statementsOf(bucket: string, role: string, user: string): Promise<readonly object[]> {
  const text = (await readFile(new URL(role, ROLES), 'utf8')).replaceAll('BUCKET', bucket);
  const { Statement } = JSON.parse(text) as { readonly Statement: readonly object[] }; // a file of ours
  return Statement.map((statement) => Object.assign(statement, { Principal: { AWS: user } }));
}
