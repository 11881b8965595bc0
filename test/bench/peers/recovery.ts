/**
 * A backup with its logs brought back by native programs alone, until it does its work again: what an operator would type who
 * knows every path by heart, and trusts every byte. What is restored is synced, as ours is before it gets its name.
 */
import type { SourceType } from '../../../model/source.ts';

/** Types that the sample has. */
export type Recovered = Extract<SourceType, 'postgres' | 'mariadb' | 'redis' | 'files'>;

/**
 * By type, run in the empty folder `$WORK`, which servers may pass. `$BACKUP` and each of `$LOGS` are folders of the place; `$AS` makes a
 * program one of the server's user `$OWNER`; `$RDB_BYTES`: the RDB in a dump, which may be longer.
 */
export const RECOVERIES: Readonly<Record<Recovered, string>> = {
  files: script(
    'mkdir data',
    'open "$BACKUP" base.tar.zst.age | whole tar --extract --preserve-permissions --numeric-owner --acls --xattrs "--xattrs-include=*" --delay-directory-restore --directory=data',
    'sync -f data',
  ),
  postgres: script(
    'mkdir -m 700 data wal run',
    'open "$BACKUP" base.tar.zst.age | whole tar --extract --preserve-permissions --no-same-owner --directory=data',
    'for logs in $LOGS; do open "$logs" wal.tar.zst.age | whole tar --extract --no-same-owner --directory=wal; done',
    'sync -f data',
    'touch data/recovery.signal',
    'echo "local all all trust" > run/hba',
    'chown -R "$OWNER" data wal run',
    serve(
      '"$PROGRAMS/postgres" -D data -c listen_addresses= -c "unix_socket_directories=$WORK/run" -c "hba_file=$WORK/run/hba" -c hot_standby=off -c dynamic_shared_memory_type=mmap -c "restore_command=cp \'$WORK/wal/%f\' \\"%p\\""',
    ),
    answers('"$PROGRAMS/psql" -h "$WORK/run" -U postgres -Atc "SELECT 1"', '1'),
  ),
  mariadb: script(
    'mkdir -m 700 data binlogs run',
    'open "$BACKUP" base.xbstream.zst.age | mbstream -x -C data',
    'mariadb-backup --no-defaults --prepare --target-dir=data --use-memory=256M 2> prepared',
    'for logs in $LOGS; do for name in "$logs"/binlog.*.zst.age; do open "$logs" "${name##*/}" > "binlogs/$(basename "$name" .zst.age)"; done; done',
    'sync -f data',
    'chown -R "$OWNER" data run',
    serve(
      'mariadbd --no-defaults --datadir="$WORK/data" --socket="$WORK/run/sock" --skip-networking --skip-grant-tables',
    ),
    answers('mariadb --no-defaults --socket="$WORK/run/sock" --skip-column-names --execute="SELECT 1"', '1'),
    'read -r file position gtid < data/xtrabackup_binlog_info',
    'mariadb-binlog --no-defaults --start-position="$gtid" binlogs/* | mariadb --no-defaults --socket="$WORK/run/sock" --binary-mode',
    answers('mariadb --no-defaults --socket="$WORK/run/sock" --skip-column-names --execute="SELECT 1"', '1'),
  ),
  redis: script(
    'mkdir -m 700 data run',
    // As the sample is configured: with an RDB alone it would come up empty.
    'mkdir data/appendonlydir',
    'open "$BACKUP" dump.rdb.zst.age > data/appendonlydir/appendonly.aof.1.base.rdb',
    'test -z "$RDB_BYTES" || truncate -s "$RDB_BYTES" data/appendonlydir/appendonly.aof.1.base.rdb',
    'echo "file appendonly.aof.1.base.rdb seq 1 type b" > data/appendonlydir/appendonly.aof.manifest',
    'sync -f data',
    'chown -R "$OWNER" data run',
    serve('redis-server --dir "$WORK/data" --port 0 --unixsocket "$WORK/run/sock" --appendonly yes --save ""'),
    answers('redis-cli -s "$WORK/run/sock" PING', 'PONG'),
  ),
};

/** Behind each, unmeasured: ends its server, where that has not ended by itself. What PostgreSQL shares lies in its data, and goes with them. */
export const END = 'cd "$WORK"; test ! -e pid || ! kill -KILL "$(cat pid)" || tail --pid="$(cat pid)" -f /dev/null';

/** Tar leaves the zeros behind its last record: unread, they would end zstd by SIGPIPE. */
function script(...lines: readonly string[]): string {
  const tools = [
    'cd "$WORK"',
    'open() { age -d -i "$IDENTITY" "$1/key.age" > key; age -d -i key "$1/$2" | zstd -d; }',
    'whole() { "$@"; cat > /dev/null; }',
  ];
  return [...tools, ...lines].join('; ');
}

function serve(command: string): string {
  return `{ exec $AS ${command}; } > run/log 2>&1 & echo $! > pid`;
}

/** A server that has ended never will. */
function answers(question: string, answer: string): string {
  return `until test "$(${question} 2>&1)" = ${answer}; do kill -0 "$(cat pid)"; sleep 0.02; done`;
}
