/** What `rsync --info=progress2` prints: `\r  4,194,304  50%  12.00MB/s  0:00:01`, about once a second. */

export interface ProgressReader {
  readonly take: (chunk: Buffer) => void;
  /** Bytes of files so far, those among them that were there before. */
  readonly bytes: () => number;
}

export function progressReader(): ProgressReader {
  let rest = '';
  let bytes = 0;
  return {
    bytes: () => bytes,
    take(chunk) {
      const parts = `${rest}${chunk.toString('latin1')}`.split(/[\r\n]/);
      rest = parts.at(-1) ?? '';
      for (const part of parts) {
        const count = /^ *([\d,]+) +\d+%/.exec(part)?.[1];
        if (count !== undefined) bytes = Math.max(bytes, Number(count.replaceAll(',', '')));
      }
    },
  };
}
