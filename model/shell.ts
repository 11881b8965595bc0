/** Commands as somebody pastes them into a shell. */

/** A word as sh reads it back. */
export function shellWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

export function shellLine(words: readonly string[]): string {
  return words.map(shellWord).join(' ');
}

/** A word with an equals sign could be taken for a variable's value, unless it is an option. */
const PLAIN = /^(?:[A-Za-z0-9/._@:,+%-]+|-[A-Za-z0-9/._@:,+%=-]+)$/;
