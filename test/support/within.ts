/** A limit for what may never come. */

/**
 * What a promise gives, if it does so in time.
 * @param what for the message when it does not come within `milliseconds`.
 */
export async function within<T>(what: string, milliseconds: number, waiting: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const message = `within ${milliseconds / 1000} s this did not come: ${what}`;
  const timer = setTimeout(() => reject(new Error(message)), milliseconds);
  try {
    return await Promise.race([waiting, late]);
  } finally {
    clearTimeout(timer);
  }
}
