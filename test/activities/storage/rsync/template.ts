/** infra/roles/rsync-authorized_keys, as an operator fills it in. */
import { readFile } from 'node:fs/promises';

const TEMPLATE = new URL('../../../../infra/roles/rsync-authorized_keys', import.meta.url);

/** What stands before the two keys, for a folder. */
export async function optionsOfTemplate(
  folder: string,
): Promise<{ readonly writing: string; readonly deleting: string }> {
  const lines = (await readFile(TEMPLATE, 'utf8')).replaceAll('FOLDER', folder).split('\n');
  const before = (key: string) =>
    lines.find((line) => !line.startsWith('#') && line.endsWith(` ${key}`))?.slice(0, -key.length - 1);
  const [writing, deleting] = [before('WRITING_KEY'), before('DELETING_KEY')];
  if (writing === undefined || deleting === undefined) throw new Error('the template has no line for a key');
  return { writing, deleting };
}
