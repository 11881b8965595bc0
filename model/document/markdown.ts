/** A document as Markdown (GitHub's, with tables). The same document gives the same text. */
import { asLines, onOneLine, partsOf, within, type Block, type Document, type Inline, type Line } from './document.ts';

export function markdownOf({ title, blocks }: Document): string {
  return `${[`# ${inline(title)}`, ...blocks.map(block).filter((each) => each !== '')].join('\n\n')}\n`;
}

function block(one: Block): string {
  switch (one.kind) {
    case 'heading':
      return `${'#'.repeat(one.level)} ${lineOf(one.line)}`;
    case 'text':
      return lineOf(one.line);
    case 'warning':
      return `> **${lineOf(partsOf(one.line).map(plain))}**`;
    case 'list':
      return one.items.map((item) => `- ${lineOf(item)}`).join('\n');
    case 'table':
      return tableOf(one);
    case 'code':
      return fenced(one.language, asLines(one.text));
    case 'figure':
      break;
  }
  return '';
}

/** Bold within bold would end it. */
function plain(part: Inline): Inline {
  return typeof part === 'object' && 'strong' in part ? part.strong : part;
}

function tableOf({ header, rows, right = [] }: Block & { readonly kind: 'table' }): string {
  const rule = header.map((title) => (right.includes(title) ? '---:' : '---'));
  const lines = [header.map(inline), rule, ...rows.map((row) => row.map(cellOf))];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** A line that stands by itself: it begins no heading, list, quotation or rule. */
function lineOf(line: Line): string {
  return cellOf(line).replace(/^([#+=-]+|\d+[.)])(?=\s|$)/, (start) => `${start.slice(0, -1)}\\${start.slice(-1)}`);
}

function cellOf(line: Line): string {
  return partsOf(line).map(inline).join('');
}

function inline(part: Inline): string {
  if (typeof part === 'string') return escaped(part);
  if ('strong' in part) return part.strong === '' ? '' : `**${escaped(part.strong).trim()}**`;
  return codeSpan(onOneLine(part.code));
}

function escaped(content: string): string {
  return (
    within(content)
      .replaceAll(/[\\`*_[\]<>|~]/g, String.raw`\$&`)
      .replaceAll(/&(?=#?\w+;)/g, '&amp;')
      // What would become a link by itself.
      .replaceAll(/(https?):\/\//g, '$1&#58;//')
      .replaceAll(/\bwww\./g, 'www&#46;')
  );
}

/** A pipe ends a cell even within code. */
function codeSpan(content: string): string {
  if (content === '') return '';
  const ticks = '`'.repeat(longestRun(content) + 1);
  const space = content.startsWith('`') || content.endsWith('`') ? ' ' : '';
  return `${ticks}${space}${content.replaceAll('|', String.raw`\|`)}${space}${ticks}`;
}

function fenced(language: string, content: string): string {
  const fence = '`'.repeat(Math.max(3, longestRun(content) + 1));
  return `${fence}${language}\n${content}\n${fence}`;
}

function longestRun(content: string): number {
  return Math.max(0, ...[...content.matchAll(/`+/g)].map(([run]) => run.length));
}
