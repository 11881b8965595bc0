/** The config as the steps of runs read it, each anew: an editor may just be writing it, and whoever has broken it mends it again. */
import { setTimeout as pause } from 'node:timers/promises';
import { BackupError } from '../../model/errors.ts';
import type { Site } from '../site.ts';

type OpenSite = () => Promise<Site>;

/** Milliseconds that a file is looked at again that cannot be read, and between two looks. */
const PATIENCE = 5_000;
const LOOK = 250;

/** @throws BackupError `config` of a file that stays as it cannot be read. */
export function patiently(openSite: OpenSite): OpenSite {
  return async () => {
    for (const end = Date.now() + PATIENCE; ; await pause(LOOK)) {
      try {
        return await openSite();
      } catch (error) {
        if (!isConfig(error) || Date.now() >= end) throw error;
      }
    }
  };
}

/** For steps that may wait: it is mended by then, or they have failed at their deadline. @throws BackupError `config`, to be tried again. */
export function untilMended(openSite: OpenSite): OpenSite {
  return async () => {
    try {
      return await openSite();
    } catch (error) {
      if (!isConfig(error)) throw error;
      const { message, remedy, facts } = error;
      const told = remedy === undefined ? { facts } : { facts, remedy };
      throw new BackupError('config', message, { ...told, cause: error, retryable: true });
    }
  };
}

function isConfig(error: unknown): error is BackupError {
  return error instanceof BackupError && error.code === 'config';
}
