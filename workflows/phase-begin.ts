/** The wait of a phase for its time. */
import { sleep } from '@temporalio/workflow';

/** A durable timer: it goes on through restarts, and ends at once where the time is over. @param begins RFC 3339; undefined: no wait. */
export async function untilBegin(begins: string | undefined): Promise<void> {
  const wait = begins === undefined ? 0 : Date.parse(begins) - Date.now();
  if (wait > 0) await sleep(wait, { summary: `until this phase begins, ${begins}` });
}
