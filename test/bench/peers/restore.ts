/** A stored backup back on the disk: by the command, and by the shell pipeline that does the least. */
import { OURS } from './ours.ts';
import type { Peer } from './shell.ts';

/** Everything that was restored is synced, by both. */
export const RESTORE: Peer = {
  name: OURS,
  command: '"$LAUNCHER" -c "$CONFIG" restore "$REFERENCE" --to "$WORK/restored"',
  check: 'test "$(find "$WORK/restored" -type f | wc -l)" -ge "$FILES"',
};

export const UNPACK: Peer = {
  name: 'shell pipeline',
  // Tar leaves the zeros behind its last record: unread, they would end zstd by SIGPIPE.
  command:
    'mkdir "$WORK/restored"; age -d -i "$IDENTITY" "$BACKUP/key.age" > "$WORK/key"; age -d -i "$WORK/key" "$BACKUP/base.tar.zst.age" | zstd -d | { tar --extract --preserve-permissions --numeric-owner --acls --xattrs "--xattrs-include=*" --delay-directory-restore --directory="$WORK/restored"; cat > /dev/null; }; sync -f "$WORK/restored"',
  check: RESTORE.check,
};
