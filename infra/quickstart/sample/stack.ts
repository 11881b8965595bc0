/** The sample's stack folder: what somebody who hosts Gitea, BookStack, Plane and Woodpecker keeps beside the data. */
import { randomBytes } from 'node:crypto';
import { chmod, cp, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runProgram } from '../../../activities/streams/run.ts';

const TEMPLATE = fileURLToPath(new URL('./stack/', import.meta.url));
/** What the shipped .env lacks; the values are made here, so that no two samples share one. */
const SECRETS = [
  'POSTGRES_PASSWORD',
  'MARIADB_PASSWORD',
  'REDIS_PASSWORD',
  'GITEA_SECRET_KEY',
  'GITEA_INTERNAL_TOKEN',
  'BOOKSTACK_APP_KEY',
  'PLANE_SECRET_KEY',
  'WOODPECKER_AGENT_SECRET',
] as const;

/** Makes the folder as a whole: it has its name only once everything is in it. */
export async function makeStack(folder: string, signal: AbortSignal): Promise<void> {
  const making = `${folder}.making`;
  await rm(making, { recursive: true, force: true });
  await cp(TEMPLATE, making, { recursive: true });
  await chmod(making, 0o755);
  await writeFile(path.join(making, '.env'), environmentFile(), { mode: 0o600 });
  await makeCertificate(path.join(making, 'certificates'), signal);
  await mkdir(path.join(making, 'backups-go-elsewhere'), { mode: 0o700 });
  await symlink('compose.yaml', path.join(making, 'docker-compose.yml'));
  await chmod(path.join(making, 'scripts', 'update.sh'), 0o755);
  await rename(making, folder);
}

function environmentFile(): string {
  const lines = SECRETS.map((name) => `${name}=${randomBytes(24).toString('base64url')}`);
  return [
    '# Secrets of the stack. Readable by its owner only.',
    'DOMAIN=stack.example.org',
    'TZ=UTC',
    ...lines,
    '',
  ].join('\n');
}

async function makeCertificate(folder: string, signal: AbortSignal): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o750 });
  const key = path.join(folder, 'privkey.pem');
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '397'];
  const names = [
    '-subj',
    '/CN=stack.example.org',
    '-addext',
    'subjectAltName=DNS:stack.example.org,DNS:*.stack.example.org',
  ];
  const files = ['-keyout', key, '-out', path.join(folder, 'fullchain.pem')];
  await runProgram({ command: 'openssl', args: [...args, ...names, ...files] }, { signal });
  await chmod(key, 0o600);
}
