/** Findings from facts: what stops a capture, what a restore would lack, and the literal remedy of each. Pure. */
import { isIP } from 'node:net';
import path from 'node:path';
import type { RedisSource } from '../../../model/config/source.ts';
import type { Finding } from '../../../model/finding.ts';
import { isOutside } from './append-folder.ts';
import { formatDuration } from './duration.ts';
import { isAtLeast, namesOf, type Facts } from './facts.ts';

type Found = Omit<Finding, 'subject'>;
type Config = Pick<RedisSource, 'method' | 'names' | 'objectives' | 'connection'>;

/** Multi-part AOF, rdb_saves and aof_rewrites came with it. Valkey begins at 7.2. */
const OLDEST = '7.0';
const DAY = 24 * 60 * 60 * 1000;

/** Everything that one look at the server tells. */
export function findingsOf(facts: Facts, config: Config, subject: string): readonly Finding[] {
  const found = [
    ...standing(facts),
    ...persistence(facts, config),
    ...objectives(facts, config),
    ...names(facts, config),
    ...around(facts),
    ...transport(config),
  ];
  return found.map(({ code, severity, message, remedy }) => ({ code, severity, message, remedy, subject }));
}

function standing({ version, role, linkUp, cluster, persistence: { loading } }: Facts): readonly Found[] {
  const found: Found[] = [];
  if (!isAtLeast(version, OLDEST)) {
    found.push({
      code: 'redis.version',
      severity: 'error',
      message: `Redis ${version} is too old: what its backups hold cannot be told for sure`,
      remedy: `Upgrade the server to Redis ${OLDEST} or newer, or Valkey.`,
    });
  }
  if (loading) {
    found.push({
      code: 'redis.loading',
      severity: 'error',
      message: 'the server is still loading its data: a backup would lack the rest of them',
      remedy: 'It is tried again; look at the server log when that lasts.',
    });
  }
  if (role === 'slave' && !linkUp) {
    found.push({
      code: 'redis.replica-link',
      severity: 'error',
      message: 'the server is a replica that does not hear its master: its data may be as old as the break',
      remedy: 'Point the connection at the master, or mend the link: redis-cli INFO replication',
    });
  }
  if (cluster) {
    found.push({
      code: 'redis.cluster',
      severity: 'warning',
      message: 'the server is a node of a cluster: this source holds the keys of its slots only',
      remedy: 'Make a source of each master of the cluster.',
    });
  }
  return found;
}

function persistence({ persistence: now, settings }: Facts, { method }: Config): readonly Found[] {
  const found: Found[] = [];
  if (!now.saveOk) {
    found.push({
      code: 'redis.save-failed',
      severity: 'warning',
      message: 'the last save of the server failed',
      remedy: 'Look at the server log for the reason (a full disk, a folder it may not write), then: redis-cli BGSAVE',
    });
  }
  if (now.aof && !now.aofWriteOk) {
    found.push({
      code: 'redis.aof-write-failed',
      severity: method === 'aof' ? 'error' : 'warning',
      message: 'the server could not write to its append-only file: what it has on disk lacks the newest writes',
      remedy: 'Free space where its data folder is, and look at the server log.',
    });
  }
  if (now.aof && !now.aofRewriteOk) {
    found.push({
      code: 'redis.aof-rewrite-failed',
      severity: 'warning',
      message: 'the last rewrite of the append-only file failed: it grows until one succeeds',
      remedy: 'Look at the server log for the reason, then: redis-cli BGREWRITEAOF',
    });
  }
  if (method === 'aof' && !now.aof) {
    found.push({
      code: 'redis.no-aof',
      severity: 'error',
      message: 'the method is aof, and the server keeps no append-only file',
      remedy: 'redis-cli CONFIG SET appendonly yes, and "appendonly yes" in redis.conf; or choose method: stream.',
    });
  }
  if (!now.aof && settings?.save === '') {
    found.push({
      code: 'redis.no-persistence',
      severity: 'warning',
      message: 'the server keeps nothing on disk: after a restart it is empty until a backup is restored',
      remedy: 'redis-cli CONFIG SET appendonly yes, and "appendonly yes" in redis.conf.',
    });
  }
  return found;
}

/** Logs of Redis are not shipped: with an append-only file, a crash of the server is covered, the loss of its disk not. */
function objectives({ persistence: { aof } }: Facts, { objectives: wanted }: Config): readonly Found[] {
  // What a daily backup meets needs no more than that.
  if (wanted?.rpo === undefined || wanted.rpo >= DAY) return [];
  const rpo = formatDuration(wanted.rpo);
  if (!aof) {
    return [
      {
        code: 'redis.rpo',
        severity: 'warning',
        message: `the RPO objective of ${rpo} cannot be met: without an append-only file a crash loses all since the last save`,
        remedy: 'redis-cli CONFIG SET appendonly yes, and "appendonly yes" in redis.conf.',
      },
    ];
  }
  return [
    {
      code: 'redis.rpo',
      severity: 'warning',
      message: `the RPO objective of ${rpo} holds for a crash of the server only: when its disk is lost, all since the last backup is`,
      remedy: `Capture this source at least every ${rpo}, or keep a replica on another machine.`,
    },
  ];
}

function names({ settings, persistence: { aof } }: Facts, config: Config): readonly Found[] {
  if (aof && isOutside(namesOf(config, settings))) {
    return [
      {
        code: 'redis.names-outside',
        severity: 'error',
        message:
          'its appenddirname is "..": its append-only files lie outside of its data folder, where nothing is restored to',
        remedy:
          'Give them a folder of their own: redis-cli CONFIG SET appendonly no, appenddirname in redis.conf, then restart it and turn them on again.',
      },
    ];
  }
  if (settings !== undefined || config.names !== undefined) return [];
  const files = aof ? 'appenddirname and appendfilename' : 'dbfilename';
  return [
    {
      code: 'redis.names',
      severity: 'warning',
      message: `what the server calls its files is not known (${files}): under other names than Redis' defaults it would come up empty on what is restored`,
      remedy: `State them in this source, "names: {}" where they are the defaults; or let the server be asked: redis-cli ACL SETUSER ${config.connection.user ?? 'default'} "+config|get"`,
    },
  ];
}

/** Redis itself refuses no password in clear, so this is only said. */
function transport({ connection: { host, socket, ca } }: Config): readonly Found[] {
  const isLocal = host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
  if (socket !== undefined || ca !== undefined || isLocal) return [];
  return [
    {
      code: 'redis.clear-text',
      severity: 'warning',
      message: `the password, and by method stream all data, cross the network to ${host} in clear`,
      remedy: 'Turn TLS on (tls-port, tls-cert-file, tls-key-file), and set connection.ca and connection.port to it.',
    },
  ];
}

/** What no backup of the data holds. */
function around({ configFile, settings, modules, version, product }: Facts): readonly Found[] {
  const found: Found[] = [];
  const outside = [configFile, settings?.aclfile ?? ''].filter((file) => file !== '');
  if (outside.length > 0) {
    found.push({
      code: 'redis.config-outside',
      severity: 'info',
      message: `configuration and users are not in the data: ${outside.join(', ')}`,
      remedy: `Add ${[...new Set(outside.map((file) => path.dirname(file)))].join(', ')} to the paths of a files source.`,
    });
  }
  if (modules.length > 0) {
    found.push({
      code: 'redis.modules',
      severity: 'warning',
      message: `keys of modules load only where the modules are: ${modules.join(', ')}`,
      remedy: 'Keep the same versions of them for a restore; private servers for checks load none.',
    });
  }
  if (product === 'redis' && isAtLeast(version, '8.0')) {
    found.push({
      code: 'redis.newer',
      severity: 'info',
      message: `Redis ${version} is newer than what this source type was tried with (7.0)`,
      remedy: 'Prove a backup: mosaic-backup verify latest --deep',
    });
  }
  return found;
}
