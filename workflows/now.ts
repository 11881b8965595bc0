/** RFC 3339: the time that the workflow knows, the same in each replay. */
export function now(): string {
  return new Date(Date.now()).toISOString();
}
