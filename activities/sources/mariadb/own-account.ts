/**
 * An account of our own on a private server that has accounts. By its socket we are nobody there: in a namespace of users that it is
 * cut off in, whoever is outside has no name.
 */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { identifier, literal } from './session.ts';

export interface OwnAccount {
  readonly user: string;
  readonly password: string;
  /** The argument of the server that makes it, with all rights, before anybody is let in. */
  readonly argument: string;
  /** The statement that removes it. Who is logged in stays so. */
  readonly drop: string;
}

/** @param runtime a folder of the server's, which is given to its user when it starts. */
export async function ownAccount(runtime: string): Promise<OwnAccount> {
  const user = `mosaic_own_${randomBytes(6).toString('hex')}`;
  const password = randomBytes(18).toString('hex');
  const name = `${identifier(user)}@localhost`;
  const file = path.join(runtime, 'init.sql');
  // A server reads one statement a line of its init file.
  const statements = [
    `CREATE USER ${name} IDENTIFIED VIA mysql_native_password USING PASSWORD(${literal(password)});`,
    `GRANT ALL PRIVILEGES ON *.* TO ${name} WITH GRANT OPTION;`,
    '',
  ];
  await writeFile(file, statements.join('\n'), { mode: 0o600 });
  return { user, password, argument: `--init-file=${file}`, drop: `DROP USER ${name}` };
}
