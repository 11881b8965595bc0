/** What the role that exports lacks, as the literal statements that give it. */

/** By what pg_dump printed; undefined where that says nothing of the role. */
export function exportRemedy(stderr: string, user: string): string | undefined {
  if (/row-level security/.test(stderr)) return `ALTER ROLE "${user}" BYPASSRLS;`;
  if (/permission denied for large object/.test(stderr)) return largeObjectRemedy(user);
  return /permission denied/.test(stderr) ? `GRANT pg_read_all_data TO "${user}";` : undefined;
}

/** For the objects that there are; new ones need it again. */
export function largeObjectRemedy(user: string): string {
  return `In that database: DO $$ DECLARE o oid; BEGIN FOR o IN SELECT oid FROM pg_largeobject_metadata LOOP EXECUTE format('GRANT SELECT ON LARGE OBJECT %s TO %I', o, '${user}'); END LOOP; END $$; Or once for all, for writing as well: ALTER ROLE "${user}" SET lo_compat_privileges = on;`;
}
