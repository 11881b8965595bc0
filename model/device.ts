/** What places say of the device that they are on, and which of them one failure takes together. Pure. */

/** `server:HOST`, with more behind it where the server tells its disk. */
const THIS_MACHINE = /^server:(?:localhost|127(?:\.\d+){3}|\[?::1\]?)(?::|$)/;

/**
 * Whether a device is this machine, reached through its own network: nobody can tell which disk of it. A tunnel to
 * another machine looks the same, so one that is to count as another device needs a name of its own.
 */
export function isThisMachine(device: string): boolean {
  return THIS_MACHINE.test(device);
}

/** How many devices these are, at the least: a server of this machine is on one that counts already. */
export function countDevices(devices: readonly string[]): number {
  const apart = new Set(devices.filter((device) => !isThisMachine(device)));
  return Math.max(apart.size, Math.min(1, devices.length));
}
