/** How the kit tells to fetch a backup from each type of destination, with programs that every system has. */
import type { DestinationConfig } from '../../model/config/destination.ts';

/** Its words stand for the reader's: FOLDER is the folder of a backup, as in `daily/postgres/20261123T020000Z-full`. */
export function fetchCommand(config: DestinationConfig): string | null {
  switch (config.type) {
    case 'directory':
      return `mkdir -p backup && cp -r ${quoted(config.path)}/FOLDER/. backup/`;
    default:
      return null;
  }
}

function quoted(text: string): string {
  return /^[A-Za-z0-9/._@:-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
