-- Fills the wiki: the same rows every time, some 60 MB with their indexes. References hold by how the numbers are
-- picked; to look each one up would take longer than the rows.
USE wiki;
SET SESSION foreign_key_checks = 0, unique_checks = 0;

CREATE FUNCTION pick(id bigint, salt int, choices int) RETURNS int DETERMINISTIC RETURN CRC32(CONCAT(id, ':', salt)) MOD choices;
CREATE FUNCTION word(id int) RETURNS varchar(20) DETERMINISTIC RETURN ELT(1 + id MOD 60,
  'the', 'of', 'and', 'to', 'a', 'in', 'is', 'it', 'for', 'on', 'with', 'as', 'at', 'by', 'we', 'you', 'this', 'was',
  'server', 'backup', 'restore', 'certificate', 'network', 'switch', 'cable', 'rack', 'password', 'account', 'printer',
  'folder', 'release', 'ticket', 'meeting', 'contract', 'invoice', 'supplier', 'holiday', 'kitchen', 'meter', 'heating',
  'quickly', 'never', 'always', 'again', 'carefully', 'every', 'Monday', 'morning', 'evening', 'winter', 'check',
  'replace', 'write', 'call', 'open', 'close', 'before', 'after', 'twice', 'first');

-- Phrases are made word by word; longer texts are phrases put together, which is fast.
CREATE TABLE phrase (i int PRIMARY KEY, text varchar(250) NOT NULL);
INSERT INTO phrase
SELECT p.seq, GROUP_CONCAT(word(pick(p.seq * 31 + n.seq, 7, 60)) ORDER BY n.seq SEPARATOR ' ')
  FROM seq_0_to_1023 AS p, seq_1_to_12 AS n GROUP BY p.seq;
CREATE TABLE paragraph (i int PRIMARY KEY, text text NOT NULL);
INSERT INTO paragraph
SELECT seq, CONCAT(a.text, '; ', b.text, ', ', c.text, '. ', d.text, ': ', e.text, '.')
  FROM seq_0_to_4095
  JOIN phrase a ON a.i = pick(seq, 1, 1024) JOIN phrase b ON b.i = pick(seq, 2, 1024) JOIN phrase c ON c.i = pick(seq, 3, 1024)
  JOIN phrase d ON d.i = pick(seq, 4, 1024) JOIN phrase e ON e.i = pick(seq, 5, 1024);

INSERT INTO users
SELECT seq, CONCAT(ELT(1 + pick(seq, 1, 12), 'Ada', 'Ben', 'Carla', 'Dmitri', 'Elif', 'Femi', 'Greta', 'Hiro', 'Inês', 'Jonas', 'Kavya', 'Łucja'), ' ', word(18 + pick(seq, 2, 20))),
       CONCAT('user', seq, '@example.org'), NULL, '2023-01-01' + INTERVAL seq HOUR
  FROM seq_1_to_200;
INSERT INTO books
SELECT seq, CONCAT('Book ', seq, ': ', word(18 + pick(seq, 3, 20))), CONCAT('book-', seq), paragraph.text, 1 + pick(seq, 4, 200), '2023-02-01' + INTERVAL seq HOUR
  FROM seq_1_to_60 JOIN paragraph ON i = pick(seq, 5, 4096);
INSERT INTO chapters
SELECT seq, 1 + seq MOD 60, CONCAT('Chapter ', seq, ': ', word(18 + pick(seq, 6, 20))), seq DIV 60 FROM seq_1_to_300;

INSERT INTO pages
SELECT seq, 1 + seq MOD 60, IF(seq MOD 4 = 0, NULL, 1 + seq MOD 300), LEFT(CONCAT('Page ', seq, ': ', SUBSTRING_INDEX(a.text, ' ', 5)), 190), CONCAT('page-', seq),
       CONCAT('<h2>', SUBSTRING_INDEX(a.text, ' ', 5), '</h2><p id="bkmrk-', seq, '">', a.text, '</p><p>', b.text, '</p><ul><li>', c.text, '</li><li>', d.text, '</li></ul><p>', e.text, ' ', MD5(seq), '</p>'),
       CONCAT(a.text, ' ', b.text, ' ', c.text, ' ', d.text, ' ', e.text), 3, 1 + pick(seq, 11, 200), 1 + pick(seq, 12, 200),
       '2023-03-01' + INTERVAL seq * 3 HOUR, '2025-03-01' + INTERVAL pick(seq, 13, 9000) HOUR
  FROM seq_1_to_4000
  JOIN paragraph a ON a.i = pick(seq, 14, 4096) JOIN paragraph b ON b.i = pick(seq, 15, 4096) JOIN paragraph c ON c.i = pick(seq, 16, 4096)
  JOIN paragraph d ON d.i = pick(seq, 17, 4096) JOIN paragraph e ON e.i = pick(seq, 18, 4096);
INSERT INTO page_revisions
SELECT seq, 1 + (seq - 1) DIV 3, 1 + (seq - 1) MOD 3, CONCAT('Page ', 1 + (seq - 1) DIV 3),
       CONCAT('<p id="bkmrk-', seq, '">', a.text, '</p><p>', b.text, '</p><ul><li>', c.text, '</li><li>', d.text, ' ', MD5(-seq), '</li></ul>'),
       IF(seq MOD 3 = 0, 'Typos', NULL), 1 + pick(seq, 21, 200), '2023-03-01' + INTERVAL seq HOUR
  FROM seq_1_to_12000
  JOIN paragraph a ON a.i = pick(seq, 22, 4096) JOIN paragraph b ON b.i = pick(seq, 23, 4096) JOIN paragraph c ON c.i = pick(seq, 24, 4096)
  JOIN paragraph d ON d.i = pick(seq, 25, 4096);

INSERT INTO attachments
SELECT seq, 1 + pick(seq, 31, 4000), CONCAT(word(18 + pick(seq, 32, 20)), '-', seq, '.pdf'), CONCAT('uploads/files/2025-', LPAD(1 + seq MOD 12, 2, '0'), '/', MD5(seq), '-pdf'), 'pdf', 0, 1 + pick(seq, 33, 200), '2025-01-01' + INTERVAL seq HOUR
  FROM seq_1_to_2000;
INSERT INTO images
SELECT seq, 1 + pick(seq, 41, 4000), CONCAT('image-', seq, '.png'), CONCAT('https://wiki.example.org/uploads/images/gallery/', MD5(seq), '.png'), CONCAT('/uploads/images/gallery/2025-', LPAD(1 + seq MOD 12, 2, '0'), '/', MD5(seq), '.png'), 'gallery', 1 + pick(seq, 42, 200), '2025-01-01' + INTERVAL seq HOUR
  FROM seq_1_to_6000;
INSERT INTO comments
SELECT seq, 1 + pick(seq, 51, 4000), CONCAT('<p>', a.text, ' ', b.text, '</p>'), 1 + pick(seq, 52, 200), '2025-01-01' + INTERVAL seq MINUTE
  FROM seq_1_to_12000 JOIN phrase a ON a.i = pick(seq, 53, 1024) JOIN phrase b ON b.i = pick(seq, 54, 1024);
INSERT INTO tags
SELECT seq, 1 + pick(seq, 61, 4000), ELT(1 + seq MOD 4, 'team', 'state', 'project', 'system'), word(18 + pick(seq, 62, 40)) FROM seq_1_to_10000;
INSERT INTO activities
SELECT seq, ELT(1 + pick(seq, 71, 4), 'page_update', 'page_create', 'auth_login', 'commented_on'), 1 + pick(seq, 72, 4000), 1 + pick(seq, 73, 200), CONCAT('from 192.0.2.', pick(seq, 74, 254), ', trace ', MD5(seq)), '2025-01-01' + INTERVAL seq * 5 MINUTE
  FROM seq_1_to_40000;

DROP TABLE phrase; DROP TABLE paragraph; DROP FUNCTION word; DROP FUNCTION pick;
