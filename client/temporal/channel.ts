/** How connections of clients to Temporal are kept. */
import type { ConnectionOptions } from '@temporalio/client';

/**
 * Milliseconds at most between two tries to reach one that went away. The pauses of gRPC grow to two minutes, also those of a new connection to the same
 * address in the same process: a Temporal that is back for long would count as away.
 */
export const CHANNEL: NonNullable<ConnectionOptions['channelArgs']> = { 'grpc.max_reconnect_backoff_ms': 2_000 };
