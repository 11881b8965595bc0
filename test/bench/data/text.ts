/**
 * Text that compresses like what stacks store (some three times under `zstd -3`), and never repeats, so that
 * peers that deduplicate find nothing to gain: words of a skewed distribution, with numbers between them.
 */
import { randomBytes } from './random.ts';

export interface Text {
  /** Fills a buffer with lines of words. */
  fill(target: Buffer): void;
  /** So many characters without line breaks. */
  characters(count: number): string;
}

const VOCABULARY = 4_096;
const SYLLABLES = 'ba ce di fo gu ha ke li mo nu pa re si to va we xi yo zu an er in or us st tr'.split(' ');
/** So many words have one or two syllables, as many two or three, the others three or four. */
const SHORT = 500;
/** The higher, the more often the first words come. */
const SKEW = 3;
/** One token in so many is a number. */
const NUMBERS = 16;
/** One token in so many is a phrase of several words, as in messages and markup. */
const PHRASES = 6;
const PHRASE_WORDS = 6;
const WORDS_A_LINE = 12;
const SPACE = 0x20;
const LINE_BREAK = 0x0a;
/** Characters are cut from blocks of so many bytes. */
const BLOCK = 1024 * 1024;

/** Tokens by the 16 bits that choose them, as bytes in one array: copying these is far faster than writing strings. */
interface Tokens {
  readonly bytes: Uint8Array;
  /** Where the token of each choice begins and ends. */
  readonly from: Uint32Array;
  readonly to: Uint32Array;
}

export function text(seed: string): Text {
  const { bytes, from, to } = tokens(seed);
  const random = randomBytes(`${seed}/choices`);
  const block = Buffer.alloc(BLOCK);
  let at = BLOCK;

  function write(target: Buffer, lineBreak: number): void {
    // A token and the space behind it are at least three bytes, and are chosen by two.
    const choices = random.bytes(target.length + 2);
    let position = 0;
    for (let token = 1; position < target.length; token++) {
      const choice = choices.readUInt16LE((token * 2) % target.length);
      const end = to[choice] ?? 0;
      for (let byte = from[choice] ?? 0; byte < end; byte++) target[position++] = bytes[byte] ?? 0;
      target[position++] = token % WORDS_A_LINE === 0 ? lineBreak : SPACE;
    }
  }

  return {
    fill: (target) => write(target, LINE_BREAK),
    characters(count) {
      if (at + count > BLOCK) {
        write(block, SPACE);
        at = 0;
      }
      at += count;
      return block.toString('latin1', at - count, at);
    },
  };
}

function tokens(seed: string): Tokens {
  const words = vocabulary(seed);
  const numbers = randomBytes(`${seed}/numbers`);
  const chosen = Array.from({ length: 65_536 }, (_, choice) => {
    if (choice % NUMBERS === 0) return numbers.bytes(4).toString('hex');
    const word = Math.floor((choice / 65_536) ** SKEW * VOCABULARY);
    if (choice % PHRASES > 0) return words[word] ?? '';
    return Array.from({ length: PHRASE_WORDS }, (_, index) => words[(word * PHRASE_WORDS + index) % VOCABULARY]).join(
      ' ',
    );
  });
  const ends = Uint32Array.from(chosen);
  let end = 0;
  for (const [choice, token] of chosen.entries()) ends[choice] = end += token.length;
  const starts = Uint32Array.from(chosen, (token, choice) => (ends[choice] ?? 0) - token.length);
  return { bytes: Buffer.from(chosen.join(''), 'latin1'), from: starts, to: ends };
}

/** Made of syllables, so that words share parts as real ones do. Short words come first: they are the frequent ones. */
function vocabulary(seed: string): readonly string[] {
  const random = randomBytes(`${seed}/vocabulary`);
  const words = new Set<string>();
  while (words.size < VOCABULARY) {
    const length = 1 + Math.min(2, Math.floor(words.size / SHORT)) + Math.floor(random.fraction() * 2);
    const syllables = Array.from({ length }, () => SYLLABLES[Math.floor(random.fraction() * SYLLABLES.length)]);
    words.add(syllables.join(''));
  }
  return [...words];
}
