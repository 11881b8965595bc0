/** What a check of a PostgreSQL backup looks at. */
import { checkResults } from '../check-results.ts';

/** Everything that a check of a PostgreSQL backup looks at, in the order it does. */
export const CHECKS = [
  'start',
  'databases',
  'relations',
  'extensions',
  'roles',
  'rows',
  'collations',
  'amcheck',
  'dump',
] as const;
/** `inventory` is looked at for the others, and is a result of its own only where it is damaged. `contents`: see ../earlier-contents.ts. */
export type CheckName = (typeof CHECKS)[number] | 'inventory';

export const { passed, failed, notCompared, noneCompared } = checkResults<CheckName>();
export { some } from '../check-results.ts';
