/** What sends parts beside each other. */
import type { Sending } from './sending.ts';

/** Runs lanes beside each other. The first failure ends the others, and is told once all have ended: their memory is in use until then. */
export async function together(count: number, lane: () => Promise<void>, sending: Sending): Promise<void> {
  let first: { readonly error: unknown } | undefined;
  await Promise.all(
    Array.from({ length: count }, async () => {
      try {
        await lane();
      } catch (error) {
        first ??= { error };
        sending.end();
      }
    }),
  );
  if (first !== undefined) throw first.error;
}
