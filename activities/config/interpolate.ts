/**
 * `${VAR}` and `${VAR:-default}` in the values of a config, `$$` for a dollar sign. Done on parsed scalars,
 * so that no variable can change the structure of the file; keys and comments are left alone.
 */
import { Scalar, visit, type Document } from 'yaml';

export interface InterpolationProblem {
  /** Offset in the text of the file. */
  readonly offset: number;
  readonly message: string;
  readonly remedy: string;
}

export type Environment = Readonly<Record<string, string | undefined>>;

const EXPRESSION = /\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}|\$\{/g;

/**
 * Makes the variables of a text harmless to YAML, which would take their brackets for its own within `{ … }`: each
 * character becomes one of a private range, so that every position stays what it was. `interpolate` turns them back.
 */
export function shieldVariables(text: string): string {
  return text.replace(/\$\{[ -~]*?\}/g, (variable) => shifted(variable, SHIELD));
}

/** Where the private range begins that stands for ASCII. */
const SHIELD = 0xe000;
const SHIELDED = new RegExp(
  `${shifted('${', SHIELD)}[\\u{${(SHIELD + 0x20).toString(16)}}-\\u{${(SHIELD + 0x7e).toString(16)}}]*`,
  'gu',
);

function shifted(text: string, by: number): string {
  return Array.from(text, (character) => String.fromCharCode(character.charCodeAt(0) + by)).join('');
}

function unshielded(text: string): string {
  return text.replace(SHIELDED, (variable) => shifted(variable, -SHIELD));
}

/** Replaces variables in place. */
export function interpolate(document: Document, env: Environment): readonly InterpolationProblem[] {
  const problems: InterpolationProblem[] = [];
  visit(document, {
    Scalar(key, node) {
      if (typeof node.value !== 'string') return;
      const written = unshielded(node.value);
      node.value = written;
      if (key === 'key' || !written.includes('$')) return;
      const { text, wrong } = substitute(written, env);
      const offset = node.range?.[0] ?? 0;
      problems.push(...wrong.map(({ message, remedy }) => ({ offset, message, remedy })));
      node.value = text === written ? text : typed(text, node);
    },
  });
  return problems;
}

interface Substituted {
  readonly text: string;
  readonly wrong: readonly Omit<InterpolationProblem, 'offset'>[];
}

function substitute(value: string, env: Environment): Substituted {
  const wrong: Omit<InterpolationProblem, 'offset'>[] = [];
  const text = value.replace(EXPRESSION, (whole, variable: string | undefined, fallback: string | undefined) => {
    if (whole === '$$') return '$';
    if (variable === undefined) {
      wrong.push({
        message: '"${" begins no variable',
        remedy: 'Write ${NAME} or ${NAME:-default}, and $$ for a dollar sign.',
      });
      return whole;
    }
    const set = env[variable];
    // As in a shell, `:-` also stands in for a variable that is empty.
    if (set !== undefined && (set !== '' || fallback === undefined)) return set;
    if (fallback !== undefined) return fallback;
    wrong.push({
      message: `the variable ${variable} is not set`,
      remedy: `Set it in the environment, or give a default: \${${variable}:-…}. A dollar sign is written $$.`,
    });
    return whole;
  });
  return { text, wrong };
}

/** As YAML itself would read it: an unquoted number or truth value is one, a quoted text stays a text. */
function typed(text: string, node: Scalar): string | number | boolean {
  if (node.type !== Scalar.PLAIN) return text;
  if (/^-?\d+$/.test(text)) return Number(text);
  return text === 'true' || text === 'false' ? text === 'true' : text;
}
