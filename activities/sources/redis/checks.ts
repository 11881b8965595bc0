/** What a check of a Redis backup looks at. */
import { checkResults } from '../check-results.ts';

/** Everything that a check of a Redis backup looks at, in the order it does. */
export const CHECKS = ['files', 'start', 'databases', 'expiring keys', 'functions', 'values'] as const;
/** `contents`: see ../earlier-contents.ts. */
export type CheckName = (typeof CHECKS)[number] | 'contents';

export const { passed, failed, notCompared, noneCompared } = checkResults<CheckName>();
