/** What the program sets up in a Temporal namespace by itself: search attributes and, embedded, how long runs are kept. */
import type { Connection } from '@temporalio/client';
import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { connect } from './connect.ts';
import type { Endpoint } from './endpoint.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/search-attributes.ts';

/** Closed runs stay visible so long; the server's default of one day would drop weekly runs from the Web UI. */
const RETENTION_SECONDS = 90 * 86_400;

/** Prepares the namespace of an embedded server. */
export async function prepareNamespace(connection: Connection, namespace: string): Promise<void> {
  await connection.workflowService.updateNamespace({
    namespace,
    config: { workflowExecutionRetentionTtl: { seconds: RETENTION_SECONDS } as never },
  });
  await registerSearchAttributes(connection, namespace);
}

/**
 * Registers the search attributes in a Temporal that is not ours to set up otherwise.
 * @throws BackupError `unreachable`.
 */
export async function ensureSearchAttributes(endpoint: Endpoint): Promise<void> {
  const connection = await connect(endpoint);
  try {
    await registerSearchAttributes(connection, endpoint.namespace);
  } finally {
    await connection.close();
  }
}

/** Registers those that are lacking; what is there is left alone. */
async function registerSearchAttributes(connection: Connection, namespace: string): Promise<void> {
  const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
  const lacking = SEARCH_ATTRIBUTES.filter(({ name }) => !(name in (customAttributes ?? {})));
  if (lacking.length === 0) return;
  await connection.operatorService.addSearchAttributes({
    namespace,
    searchAttributes: Object.fromEntries(
      lacking.flatMap(({ name, type }) => typed(name, encodeSearchAttributeIndexedValueType(type))),
    ),
  });
}

function typed<T>(name: string, type: T | undefined): [string, T][] {
  return type === undefined ? [] : [[name, type]];
}
