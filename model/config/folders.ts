/** Comparison of absolute paths as texts. Links are not followed: that is doctor's, on the machine itself. */

/** `/a//b/./c/../` → `/a/b`. */
export function normalFolder(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** Whether a path is a folder or lies anywhere below it. */
export function isWithin(path: string, folder: string): boolean {
  const inner = normalFolder(path);
  const outer = normalFolder(folder);
  return inner === outer || outer === '/' || inner.startsWith(`${outer}/`);
}
