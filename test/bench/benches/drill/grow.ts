/** Makes the sample's databases larger: what a recovery takes besides its data weighs less then. */
import type { RunningDatabase } from '../../../../infra/quickstart/sample/database.ts';
import { serverBinaries } from '../../../../infra/quickstart/sample/postgres/programs.ts';
import { shell } from '../../shell.ts';

/** As the administrator, without indexes, each copy named like its table with a number behind it. */
const POSTGRES = `"$PROGRAMS/psql" -qX -v ON_ERROR_STOP=1 -v times="$TIMES" -h "$HOST" -p "$PORT" -U postgres shop <<'SQL'
  CREATE SCHEMA more;
  SELECT format('CREATE TABLE more.%I AS TABLE shop.%I', tablename || number, tablename)
    FROM pg_tables, generate_series(1, :'times') AS number WHERE schemaname = 'shop' \\gexec
  CHECKPOINT;
SQL`;

const MARIADB = `ask() { mariadb --no-defaults --socket="$SOCKET" --skip-column-names "$@"; }
  ask --execute="CREATE DATABASE more"
  ask --execute="SELECT CONCAT('SET SESSION sql_log_bin = 0; CREATE TABLE more.', table_name, seq, ' AS SELECT * FROM wiki.', table_name, ';')
    FROM information_schema.tables, seq_1_to_$TIMES WHERE table_schema = 'wiki' AND table_type = 'BASE TABLE'" wiki | ask`;

/** Redis stays as it is. @param times so many copies of each table are added. */
export async function grow({ config }: RunningDatabase, times: number, signal: AbortSignal): Promise<void> {
  if (times === 0) return;
  const env = { TIMES: String(times) };
  if (config.type === 'postgres') {
    const { folder: PROGRAMS } = await serverBinaries();
    const [HOST, PORT] = [config.connection?.host ?? '', String(config.connection?.port ?? '')];
    await shell(POSTGRES, { env: { ...env, PROGRAMS, HOST, PORT }, signal });
  }
  if (config.type === 'mariadb')
    await shell(MARIADB, { env: { ...env, SOCKET: config.connection?.socket ?? '' }, signal });
}
