/** Destinations on real servers of this machine, behind a link that can be cut: for tests of sites, command line and all. */
import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import type { SiteInput } from '../../model/config/site.ts';
import { openProxy, type Proxy } from './proxy.ts';
import { startSshd, type Sshd } from './rsync/sshd.ts';
import { credentialFiles, startGateway, stopGateways, type Gateway } from './versitygw.ts';

export const REMOTE_TYPES = ['s3', 'rsync'] as const;
export type RemoteType = (typeof REMOTE_TYPES)[number];

export interface Remote {
  readonly config: NonNullable<SiteInput['destinations']>[string];
  /** The folder in which its objects lie as files, on the server's own side. */
  readonly root: string;
  readonly link: Proxy;
}

export interface RemoteServers {
  /** A new empty place, with a link of its own. */
  readonly remote: (type: RemoteType, folder: string, options?: RemoteOptions) => Promise<Remote>;
  readonly gateway: Gateway;
  readonly close: () => Promise<void>;
}

export interface RemoteOptions {
  /** Of S3: the bucket keeps versions. */
  readonly versions?: boolean;
  /** Of S3: the bucket has Object Lock, and the config wants it. */
  readonly lock?: boolean;
  /** Of rsync: what stands before the key there, where it lets in rsync alone. */
  readonly restrict?: (root: string) => Promise<string>;
}

export async function startRemotes(): Promise<RemoteServers> {
  const [gateway, sshd] = await Promise.all([startGateway(), startSshd()]);
  const links: Proxy[] = [];
  let made = 0;
  return {
    gateway,
    async remote(type, folder, options = {}) {
      made += 1;
      const link = await openProxy(type === 's3' ? gateway.address : `127.0.0.1:${sshd.port}`);
      links.push(link);
      return {
        link,
        ...(type === 's3'
          ? await bucketAt(gateway, link, `remote-${made}`, folder, options)
          : await folderAt(sshd, link, path.join(folder, `server-${made}`), options)),
      };
    },
    async close() {
      for (const link of links) await link.close();
      await sshd.stop();
      await stopGateways();
    },
  };
}

async function bucketAt(
  gateway: Gateway,
  link: Proxy,
  bucket: string,
  folder: string,
  { lock = false, versions = false }: RemoteOptions,
) {
  await gateway.admin.createBucket({ Bucket: bucket, ObjectLockEnabledForBucket: lock });
  if (versions)
    await gateway.admin.putBucketVersioning({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } });
  const config = {
    type: 's3',
    bucket,
    endpoint: `http://${link.address}`,
    credentials: await credentialFiles(folder),
    partSize: '5MiB',
    prune: true,
    ...(lock && { lock: 'governance' as const }),
  } as const;
  return { config, root: path.join(gateway.root, bucket) };
}

async function folderAt(sshd: Sshd, link: Proxy, root: string, { restrict }: RemoteOptions) {
  await mkdir(root, { mode: 0o700 });
  const key = await sshd.addKey(await restrict?.(root));
  const [, port = ''] = link.address.split(':');
  const config = {
    type: 'rsync',
    target: `${sshd.user}@127.0.0.1:${restrict === undefined ? root : '/'}`,
    port: Number(port),
    key: { file: key.file },
    hostKey: sshd.hostKey,
    prune: true,
  } as const;
  return { config, root };
}
