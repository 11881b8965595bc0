import assert from 'node:assert/strict';
import { complaint } from '../../../../activities/sources/mariadb/errors.ts';

describe('what a MariaDB server answers', () => {
  const connection = { socket: '/s', host: 'localhost', port: 3306, user: 'u', password: undefined, ca: undefined };

  const answers = [
    ["Duplicate entry 'a@b.c' for key 'email'", "Duplicate entry '…' for key 'email'"],
    ["Duplicate entry 'it's for key 'x'' for key 'PRIMARY'", "Duplicate entry '…' for key 'PRIMARY'"],
    ["Duplicate entry 'a", "Duplicate entry '…'"],
    [
      "Incorrect integer value: 'secret' for column `s`.`t`.`c` at row 1",
      "Incorrect integer value: '…' for column `s`.`t`.`c` at row 1",
    ],
    ["Truncated incorrect DOUBLE value: 'secret'", "Truncated incorrect DOUBLE value: '…'"],
    ["Table 's.t' doesn't exist", "Table 's.t' doesn't exist"],
  ] as const;

  for (const [answer, told] of answers)
    it(`P39 is told without values of rows: ${told}`, () => {
      const error = complaint(`ERROR 1062 (23000) at line 3: ${answer}`, connection);
      assert.equal(error?.facts['answer'], told);
      assert.ok(error?.message.endsWith(told));
    });
});
