/** What a machine needs to restore the data of Redis or Valkey and run them. */
import type { Manifest } from '../../../model/manifest.ts';
import type { Need } from '../needs.ts';
import { engineOf, packageOf } from './programs.ts';

/** The same version, or a newer one. */
export function needs(newest: Manifest): readonly Need[] {
  const engine = engineOf(newest);
  return [{ program: `${engine.product}-server`, package: packageOf(engine), version: engine.version }];
}
