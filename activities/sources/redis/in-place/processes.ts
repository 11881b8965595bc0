/** Names of the processes of a server. */
export const PROCESSES: readonly string[] = ['redis-server', 'valkey-server'];
