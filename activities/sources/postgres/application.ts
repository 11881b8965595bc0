/** How our sessions and programs are called in pg_stat_activity. */
export const APPLICATION = 'mosaic-backup';
