/** The words by which ssh, rsync, rrsync and coreutils tell what is wrong, with what they mean and what to do. */
import type { ErrorCode } from '../../../model/errors.ts';

export interface Meaning {
  readonly says: RegExp;
  readonly code: ErrorCode;
  readonly means: string;
  /** HOST, NAME and ROOT stand for the server's, the destination's name and the folder. */
  readonly remedy: string;
  readonly retryable?: boolean;
}

const OBTAIN =
  'Obtain it by `ssh-keyscan -t ed25519 HOST`, compare `ssh-keygen -lf FILE` with what `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub` says on HOST itself, and put the line into the known_hosts file of the config.';

/** Before there is a connection; the first that matches. */
export const CONNECTION: readonly Meaning[] = [
  {
    says: /IDENTIFICATION HAS CHANGED|differs from the key|Offending .*key/i,
    code: 'not-authentic',
    means:
      'the server has another host key than the one that is known: it is another machine, or somebody stands between',
    remedy: `Find out on HOST itself whether its key was changed. Only then replace the old line. ${OBTAIN}`,
  },
  {
    says: /No \S+ host key is known|Host key verification failed|no hostkey|no matching host key/i,
    code: 'config',
    means: 'the host key of the server is not known here',
    remedy: OBTAIN,
    retryable: true,
  },
  {
    says: /Permission denied|Too many authentication failures|no mutual signature|not allowed because/i,
    code: 'access-denied',
    means: 'the server refuses the key',
    remedy:
      'See that the public key (ssh-keygen -y -f FILE) stands in authorized_keys of that user on HOST, that the user may log in, and what the log of sshd says there.',
  },
  {
    says: /Could not resolve hostname|Name or service not known/i,
    code: 'unreachable',
    means: 'its name has no address',
    remedy: 'Correct the name in the config, or mend DNS; the step is tried again.',
  },
  {
    says: /Connection refused/i,
    code: 'unreachable',
    means: 'nothing listens there',
    remedy: 'Start sshd on HOST, or correct host and port in the config; the step is tried again.',
  },
];

/** In a session; the first that matches. What the folder and the disk say goes before what rsync makes of it. */
export const THERE: readonly Meaning[] = [
  {
    says: /No space left on device|Disk quota exceeded|write error: File too large/i,
    code: 'no-space',
    means: 'the disk there is full, or the quota used up',
    remedy: 'Free space on HOST, or give it a bigger disk; the step is tried again.',
  },
  {
    says: /Read-only file system/i,
    code: 'access-denied',
    means: 'the file system there is mounted read-only',
    remedy: 'Look in `dmesg` of HOST why, then mount it read-write again.',
  },
  {
    says: /Another instance of rrsync/i,
    code: 'busy',
    means: 'rrsync there lets one in at a time, and another is at work',
    remedy: 'Add -no-lock to rrsync in authorized_keys on HOST (docs/rsync.md): several copies go on at once.',
  },
  {
    says: /SSH_ORIGINAL_COMMAND does not run rsync/i,
    code: 'config',
    means: 'the server lets in rsync alone',
    remedy: 'Say shell: false, or auto, for this destination.',
  },
  {
    says: /reading from write-only server|sending to read-only server/i,
    code: 'access-denied',
    means: 'rrsync there lets this key write only, or read only',
    remedy:
      'Take -wo or -ro away in authorized_keys on HOST (docs/rsync.md): copies are written, and read back to be verified.',
  },
  {
    says: /option \S+ has been disabled|refused by mosaic-backup's gate/i,
    code: 'access-denied',
    means: 'the server does not allow this to this key',
    remedy:
      'What a restricted server must allow stands in docs/rsync.md; deleting is done with another key, by `prune` of the destination.',
  },
  {
    says: /Restricted directory does not exist|change_dir[^\n]*No such file or directory|can't cd to|cd: [^\n]*No such file/i,
    code: 'unreachable',
    means: 'its folder does not exist there',
    remedy:
      'Mount its disk on HOST if it has one; when this is its first use, make the folder there: install -d -m 700 ROOT. Behind rrsync the folder in the config is seen from the one that rrsync allows: write / for it.',
  },
  {
    says: /Permission denied|Operation not permitted|Required key not available/i,
    code: 'access-denied',
    means: 'permission is denied there',
    remedy: 'Give the folder on HOST to the user that logs in (chown), with mode 0700.',
  },
  {
    says: /rsync: (?:command )?not found|rsync: No such file or directory|command not found: rsync/i,
    code: 'missing-program',
    means: 'rsync is not there',
    remedy: 'Install it on HOST: apt-get install rsync',
  },
  {
    says: /(?:sha256sum|base64|mv|mkdir|sh): (?:command )?not found/i,
    code: 'missing-program',
    means: 'a program of coreutils is not there',
    remedy: 'Install coreutils on HOST, or say shell: false.',
  },
  {
    says: /is your shell clean|protocol version mismatch/i,
    code: 'failed',
    means: 'something else than rsync answers: what a login prints there gets between',
    remedy: 'See that `ssh HOST true` prints nothing: mend .bashrc and the like of that user.',
  },
  {
    says: /Input\/output error|Structure needs cleaning/i,
    code: 'failed',
    means: 'the device there reports an I/O error',
    remedy: 'Look in `dmesg` of HOST and at the health of its disk (smartctl -a).',
  },
  {
    says: /Stale file handle|Transport endpoint is not connected/i,
    code: 'unreachable',
    means: 'a mount there has gone stale',
    remedy: 'Mount it again on HOST.',
  },
];
