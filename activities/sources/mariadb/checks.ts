/** What a check of a MariaDB backup looks at. */
import { checkResults } from '../check-results.ts';

/** Everything that a check of a MariaDB backup looks at, in the order it does. */
export const CHECKS = ['start', 'databases', 'tables', 'routines', 'events', 'users', 'rows', 'mariadb-check'] as const;
export type CheckName = (typeof CHECKS)[number];

export const { passed, failed, notCompared, noneCompared } = checkResults<CheckName>();
export { some } from '../check-results.ts';
