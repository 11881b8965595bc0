/** Search attributes of all workflows; the program registers them itself. */
import { defineSearchAttributeKey } from '@temporalio/common';

export const SITE = defineSearchAttributeKey('site', 'KEYWORD');
export const PLAN = defineSearchAttributeKey('plan', 'KEYWORD');
export const SOURCE = defineSearchAttributeKey('source', 'KEYWORD');
export const HOST = defineSearchAttributeKey('host', 'KEYWORD');
export const OUTCOME = defineSearchAttributeKey('outcome', 'KEYWORD');

export const SEARCH_ATTRIBUTES = [SITE, PLAN, SOURCE, HOST, OUTCOME] as const;
