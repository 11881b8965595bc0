/** What a machine needs to restore a MariaDB server's data and run it. */
import type { Manifest } from '../../../model/manifest.ts';
import type { Need } from '../needs.ts';
import { engine } from './engine.ts';

const versioned = engine.pick({ version: true });

/** Data folders fit one series only. */
export function needs(newest: Manifest): readonly Need[] {
  const { version } = versioned.parse(newest.engine);
  return [
    { program: 'mariadbd', package: 'mariadb-server', version },
    { program: 'mariadb-backup', package: 'mariadb-backup', version },
  ];
}
