/** Accounts of moto's own, with which it checks signatures and rights as AWS does: by what botocore computes, and by policies. */

/** Who asks before anybody is asked for rights. */
const ANYBODY =
  'AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=any';

export interface MotoUser {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

/** Makes an account that may do what this policy says; the resources in it are taken for all, of which moto knows nothing. */
export async function makeUser(moto: string, name: string, policy: string): Promise<MotoUser> {
  const document = policy.replaceAll(/"arn:[^"]*"/g, '"*"');
  await iam(moto, { Action: 'CreateUser', UserName: name });
  await iam(moto, { Action: 'PutUserPolicy', UserName: name, PolicyName: name, PolicyDocument: document });
  const made = await iam(moto, { Action: 'CreateAccessKey', UserName: name });
  const of = (element: string) => new RegExp(`<${element}>([^<]+)</${element}>`).exec(made)?.[1] ?? '';
  return { accessKeyId: of('AccessKeyId'), secretAccessKey: of('SecretAccessKey') };
}

/** Does something while moto lets nobody do anything that is not signed by an account which may. */
export async function whileChecked(moto: string, act: () => Promise<void>): Promise<void> {
  await requests(moto, '0');
  try {
    await act();
  } finally {
    await requests(moto, 'inf');
  }
}

/** So many requests are let through without a look. */
async function requests(moto: string, count: string): Promise<void> {
  await send(`${moto}/moto-api/reset-auth`, { body: count });
}

function iam(moto: string, parameters: Readonly<Record<string, string>>): Promise<string> {
  const body = new URLSearchParams({ Version: '2010-05-08', ...parameters });
  return send(moto, { body, headers: { authorization: ANYBODY } });
}

async function send(address: string, request: RequestInit): Promise<string> {
  const answer = await fetch(address, { method: 'POST', ...request });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`moto answered ${answer.status}: ${text}`);
  return text;
}
