-- The ledger: every transaction of the wiki writes down, in the same transaction, what it does to which row. So a
-- restored wiki must equal what its own restored ledger says, wherever between two transactions the backup ended.
-- The triggers that write are made of each table's columns: see ledger.ts.
CREATE DATABASE ledger CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE ledger;

-- One row: the number of the last transaction. Taking the next one locks it, so numbers have no gaps and the
-- order of numbers is the order of commits.
CREATE TABLE head (single tinyint PRIMARY KEY, number bigint NOT NULL) ENGINE = InnoDB;
INSERT INTO head VALUES (1, 0);

CREATE TABLE journal (number bigint PRIMARY KEY, at datetime(6) NOT NULL, what varchar(100) NOT NULL) ENGINE = InnoDB;

-- `before` and `after` are images of the row: a JSON array of its columns, in their order.
CREATE TABLE operation (
  position bigint AUTO_INCREMENT PRIMARY KEY,
  number   bigint NOT NULL,
  relation varchar(64) NOT NULL,
  id       bigint NOT NULL,
  `before` longtext NULL,
  `after`  longtext NULL,
  KEY (number),
  KEY (relation, id)
) ENGINE = InnoDB;

-- What each table was when the journal began: its rows, and two sums of hashes of their images.
CREATE TABLE base (
  relation varchar(64) PRIMARY KEY,
  `rows`   bigint NOT NULL,
  first    decimal(40) NOT NULL,
  second   decimal(40) NOT NULL
) ENGINE = InnoDB;

-- Whether the write load is to end.
CREATE TABLE control (stop tinyint NOT NULL) ENGINE = InnoDB;
INSERT INTO control VALUES (0);

-- Two halves of one digest, as numbers that can be summed up.
CREATE FUNCTION first_hash(image longtext) RETURNS bigint unsigned DETERMINISTIC RETURN CONV(LEFT(MD5(image), 15), 16, 10);
CREATE FUNCTION second_hash(image longtext) RETURNS bigint unsigned DETERMINISTIC RETURN CONV(RIGHT(MD5(image), 15), 16, 10);

DELIMITER //

-- Begins a transaction of the wiki; every change of its tables belongs to the last one begun. Without one the number
-- is NULL, which no operation may have, so that a change outside fails.
CREATE PROCEDURE begin_transaction(what varchar(100))
BEGIN
  START TRANSACTION;
  UPDATE head SET number = number + 1;
  SELECT number INTO @ledger_number FROM head;
  INSERT INTO journal VALUES (@ledger_number, UTC_TIMESTAMP(6), what);
END //

CREATE PROCEDURE end_transaction()
BEGIN
  COMMIT;
  SET @ledger_number = NULL;
END //

-- Folds the oldest transactions into the base, so that a journal that is written for weeks does not fill the disk.
CREATE PROCEDURE fold(upto bigint)
BEGIN
  START TRANSACTION;
  SELECT number INTO @ledger_head FROM head FOR UPDATE;
  UPDATE base JOIN (
    SELECT relation, SUM(sign) AS `rows`, SUM(sign * CAST(first_hash(image) AS decimal(40))) AS first, SUM(sign * CAST(second_hash(image) AS decimal(40))) AS second
      FROM (SELECT relation, -1 AS sign, `before` AS image FROM operation WHERE number <= upto AND `before` IS NOT NULL
            UNION ALL
            SELECT relation, 1, `after` FROM operation WHERE number <= upto AND `after` IS NOT NULL) AS images
     GROUP BY relation) AS folded USING (relation)
     SET base.`rows` = base.`rows` + folded.`rows`, base.first = base.first + folded.first, base.second = base.second + folded.second;
  DELETE FROM operation WHERE number <= upto;
  DELETE FROM journal WHERE number <= upto;
  COMMIT;
END //

DELIMITER ;
