/** How many times smaller a backup is than what it holds: `3.1×`; empty where nothing is stored. */
export function sizesRatio(plainBytes: number, bytes: number): string {
  return bytes === 0 ? '' : `${(plainBytes / bytes).toFixed(1)}×`;
}
