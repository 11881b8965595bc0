/**
 * What of the old data folder goes into the new one. Configuration that lies inside it is the present server's business,
 * not the backup's: the server must come up where its clients look for it, and admit whom it admitted.
 */

/** `postgresql.conf`, `pg_hba.conf`, `postgresql.auto.conf`, `server.key` and the like; folders of configuration. */
export function keeps(name: string, isFolder: boolean): boolean {
  if (isFolder) return name === 'conf.d' || name === 'certs';
  return /\.(?:conf|crt|key|pem|crl)$/.test(name);
}
