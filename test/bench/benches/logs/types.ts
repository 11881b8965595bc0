import type { SiteInput } from '../../../../model/config/site.ts';

/** A server whose logs are shipped, of one bench's own. */
export interface LogServer {
  /** As a title has it. */
  readonly title: string;
  readonly source: SiteInput['sources'][string];
  /** One small transaction, durable when it returns. */
  commit(): Promise<void>;
  /** Writes about so many bytes of log; how many it were. */
  write(bytes: number): Promise<number>;
  stop(): Promise<void>;
}
