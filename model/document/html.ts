/** A document as a page to print: A4, one file that needs nothing else. */
import { asLines, onOneLine, partsOf, within, type Block, type Document, type Inline, type Line } from './document.ts';

export function pageOf({ title, blocks }: Document): string {
  return htmlPage(title, STYLE, [`<h1>${escaped(onOneLine(title))}</h1>`, ...blocks.map(block)].join('\n'));
}

/** @param body HTML. */
export function htmlPage(title: string, style: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>${escaped(title)}</title>
<style>${PRINTED}${style}</style>
</head>
<body>
${body}
</body>
</html>
`;
}

export function escaped(content: string): string {
  return content
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

function block(one: Block): string {
  switch (one.kind) {
    case 'heading':
      return `<h${one.level}>${lineOf(one.line)}</h${one.level}>`;
    case 'text':
      return `<p>${lineOf(one.line)}</p>`;
    case 'warning':
      return `<p class="warning">${lineOf(one.line)}</p>`;
    case 'list':
      return `<ul>\n${one.items.map((item) => `<li>${lineOf(item)}</li>`).join('\n')}\n</ul>`;
    case 'table':
      return tableOf(one);
    case 'code':
      return `<pre>${escaped(asLines(one.text))}</pre>`;
    case 'figure':
      break;
  }
  return `<figure>${one.svg}</figure>`;
}

function tableOf({ header, rows, right = [] }: Block & { readonly kind: 'table' }): string {
  const shape = (index: number) => (right.includes(header[index] ?? '') ? ' class="number"' : '');
  const titles = header.map((title, index) => `<th${shape(index)}>${escaped(title)}</th>`).join('');
  const lines = rows.map(
    (row) => `<tr>${row.map((cell, index) => `<td${shape(index)}>${lineOf(cell)}</td>`).join('')}</tr>`,
  );
  return `<table>\n<thead><tr>${titles}</tr></thead>\n<tbody>\n${lines.join('\n')}\n</tbody>\n</table>`;
}

function lineOf(line: Line): string {
  return partsOf(line).map(inline).join('');
}

function inline(part: Inline): string {
  if (typeof part === 'string') return escaped(within(part));
  if ('strong' in part) return `<strong>${escaped(onOneLine(part.strong))}</strong>`;
  return `<code>${escaped(onOneLine(part.code))}</code>`;
}

/** A4, in black on white; nothing is cut off at its edge. */
const PRINTED = `
@page { size: A4; margin: 16mm; }
body { font: 10pt/1.4 sans-serif; color: #000; background: #fff; max-width: 178mm; margin: 0 auto; }
h1 { font-size: 16pt; } h2 { font-size: 11pt; break-after: avoid; white-space: pre-line; }
pre, code { font: 7.5pt/1.35 monospace; white-space: pre-wrap; overflow-wrap: anywhere; }
.warning { border: 1pt solid #000; padding: 2mm; white-space: pre-line; }
`;

const STYLE = `
h1 { overflow-wrap: anywhere; } h2 { margin: 6mm 0 2mm; border-bottom: .5pt solid #999; } h3 { font-size: 10pt; margin: 4mm 0 1mm; break-after: avoid; }
p, ul { margin: 1.5mm 0; } li { margin: .5mm 0; } p, li { overflow-wrap: anywhere; }
.warning { font-weight: bold; }
table { border-collapse: collapse; width: 100%; font-size: 8.5pt; margin: 2mm 0; }
th, td { text-align: left; vertical-align: top; padding: .8mm 1.6mm; border-bottom: .5pt solid #bbb; overflow-wrap: anywhere; }
th { border-bottom: 1pt solid #000; overflow-wrap: normal; } td:first-child { min-width: 20mm; } thead { display: table-header-group; } tr { break-inside: avoid; }
.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
pre { background: #f4f4f4; border: .5pt solid #ccc; padding: 2mm; margin: 1.5mm 0; break-inside: avoid-page; }
pre, svg { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
figure { margin: 3mm 0; break-inside: avoid; } figure svg { width: 100%; height: auto; display: block; }
`;
