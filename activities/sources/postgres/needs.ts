/** What a machine needs to restore a PostgreSQL cluster and run it. */
import { z } from 'zod';
import type { Manifest } from '../../../model/manifest.ts';
import type { Need } from '../needs.ts';
import { packageOf } from './binaries.ts';

const engine = z.object({ version: z.string() });

/** The server's package brings the client's programs along; Debian keeps each major version in a folder of its own. */
export function needs(newest: Manifest): readonly Need[] {
  const { version } = engine.parse(newest.engine);
  const major = Number.parseInt(version, 10);
  const program = `/usr/lib/postgresql/${major}/bin/postgres`;
  return [{ program, package: packageOf(major, 'postgres'), version }];
}
