/** Names of the system's errors, for messages. */

/** `ENOENT` and the like; an empty text for anything else. */
export function errnoOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
