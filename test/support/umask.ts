/** The umask of the units for systemd: what is made is closed to the users of private servers unless it is opened by hand. */
export async function underServiceUmask<T>(use: () => Promise<T>): Promise<T> {
  const before = process.umask(0o077);
  try {
    return await use();
  } finally {
    process.umask(before);
  }
}
