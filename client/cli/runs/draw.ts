/** Several lines on a terminal that are drawn again and again, in place. */
import { clearScreenDown, cursorTo, moveCursor } from 'node:readline';

/** So many lines can be drawn. One that does not tell its size, such as a serial line, has that of the first terminals. */
export function rowsOf(stream: NodeJS.WriteStream): number {
  return Math.max(5, (stream.rows || 24) - 1);
}

/** @returns a function that replaces what it drew before. */
export function redrawer(stream: NodeJS.WriteStream): (text: string) => void {
  let drawn = 0;
  return (text) => {
    // A line that wraps could not be counted, and what is above the screen not be drawn again.
    const columns = stream.columns || 80;
    const lines = text
      .split('\n')
      .map((line) => line.slice(0, Math.max(20, columns - 1)))
      .slice(0, rowsOf(stream));
    moveCursor(stream, 0, -drawn);
    cursorTo(stream, 0);
    clearScreenDown(stream);
    stream.write(`${lines.join('\n')}\n`);
    drawn = lines.length;
  };
}
