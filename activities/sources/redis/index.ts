/** The `redis` source type: Redis and Valkey, always full, by one of three methods. */
import type { RedisSource } from '../../../model/config/source.ts';
import type { SourceAdapter } from '../types.ts';
import { beat } from './canary.ts';
import { capture } from './capture.ts';
import { check } from './check.ts';
import { inPlace } from './in-place/index.ts';
import { needs } from './needs.ts';
import { preflight } from './preflight.ts';
import { restore } from './restore.ts';
import { sandboxing } from './sandboxing.ts';
import { serve } from './serve.ts';
import { select } from './select.ts';
import { space } from './space.ts';

export const redis: SourceAdapter<RedisSource> = {
  type: 'redis',
  preflight,
  nextKind: async () => 'full',
  capture,
  restore,
  needs,
  check,
  serve,
  sandboxing,
  beat,
  space,
  select,
  inPlace,
};
