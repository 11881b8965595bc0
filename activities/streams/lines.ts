/** Lines out of byte streams. Not readline: it also splits at \r and U+2028, which file names may hold. */
import { StringDecoder } from 'node:string_decoder';

export interface LineSplitter {
  push(chunk: Uint8Array): readonly string[];
  /** The last line where it lacks its line break; none otherwise. */
  rest(): readonly string[];
}

/** Cuts UTF-8 bytes into lines at \n alone. */
export function lineSplitter(): LineSplitter {
  const decoder = new StringDecoder('utf8');
  let begun = '';
  return {
    push(chunk) {
      const pieces = decoder.write(chunk).split('\n');
      // One long line in many chunks is joined once per chunk; lines here are paths and JSON, of some kilobytes.
      pieces[0] = begun + (pieces[0] ?? '');
      begun = pieces.pop() ?? '';
      return pieces;
    },
    rest() {
      const last = begun + decoder.end();
      begun = '';
      return last === '' ? [] : [last];
    },
  };
}

/** The lines of a byte stream, as they come. */
export async function* linesOf(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  const splitter = lineSplitter();
  for await (const chunk of bytes) yield* splitter.push(chunk);
  yield* splitter.rest();
}
