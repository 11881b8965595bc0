/** The recovery kit as a page to print: one file that needs nothing else, with each identity as a QR code. */
import { encodeQR } from 'qr';
import { escaped, htmlPage } from '../../model/document/html.ts';
import { writeSecret } from '../init/keys.ts';
import type { Kit } from './kit.ts';
import { identityPart, KIT_WARNING, kitParts, type KitPart } from './kit-text.ts';

/** Writes the page into a new file, 0600. @throws BackupError `conflict` when it is there already. */
export async function writeKitPage(file: string, kit: Kit): Promise<void> {
  await writeSecret(file, kitPage(kit));
}

export function kitPage(kit: Kit): string {
  const [first, ...parts] = [identityPart(kit), ...kitParts(kit)];
  return htmlPage(
    `Recovery kit of ${kit.site}`,
    STYLE,
    `<h1>Recovery kit of the site “${escaped(kit.site)}”</h1>
<p>Made ${kit.created}.</p>
<p class="warning">${escaped(KIT_WARNING)}</p>
${first ? section(first, 1, kit.identities.map(code).join('\n')) : ''}
${parts.map((part, index) => section(part, index + 2)).join('\n')}`,
  );
}

function section({ title, text }: KitPart, number: number, before = ''): string {
  return `<section>
<h2>${number}. ${escaped(title)}</h2>
${before}
<pre>${escaped(text)}</pre>
</section>`;
}

/** The identity alone, so that what any reader of QR codes gives is a line of an identity file. */
function code({ identity, recipient }: Kit['identities'][number]): string {
  return `<figure>
${picture(identity)}
<figcaption>Scan it with any reader of QR codes: what it gives is the identity of<br><code>${escaped(recipient)}</code><br>and one line of the file. Whoever types it need not fear a mistake: age refuses an identity with one.</figcaption>
</figure>`;
}

/** Error correction that a fold or a stain does not defeat; the white border that readers need. */
function picture(text: string): string {
  const rows = encodeQR(text, 'raw', { ecc: 'quartile', border: 4 });
  const runs = rows.flatMap((row, y) => darkRuns(row).map(([x, width]) => `M${x} ${y}h${width}v1h-${width}z`));
  return `<svg viewBox="0 0 ${rows.length} ${rows.length}" shape-rendering="crispEdges" role="img"><path d="${runs.join('')}"/></svg>`;
}

function darkRuns(row: readonly boolean[]): readonly (readonly [start: number, width: number])[] {
  const runs: [number, number][] = [];
  for (const [x, dark] of row.entries()) {
    const last = runs.at(-1);
    if (!dark) continue;
    if (last && last[0] + last[1] === x) last[1] += 1;
    else runs.push([x, 1]);
  }
  return runs;
}

const STYLE = `
figure { display: flex; gap: 6mm; align-items: center; margin: 4mm 0; break-inside: avoid; }
svg { width: 52mm; height: 52mm; flex: none; }
`;
