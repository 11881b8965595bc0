/** Scheduled times that no two steps of a test share: five minutes apart, as the ticks of log shipping are. */
export function scheduledTimes(): () => string {
  let count = 0;
  return () => new Date(Date.UTC(2026, 10, 23, 2, 5 * count++)).toISOString().replace('.000Z', 'Z');
}
