-- The light write load on the wiki, which runs in the server: a few transactions a second, as its users write.
USE ledger;
DELIMITER //

CREATE OR REPLACE PROCEDURE edit_page()
BEGIN
  SET @user = (SELECT 1 + FLOOR(RAND() * 200)), @page = (SELECT id FROM wiki.pages WHERE id >= 1 + FLOOR(RAND() * 4000) ORDER BY id LIMIT 1);
  INSERT INTO wiki.page_revisions (page_id, revision_number, name, html, summary, created_by, created_at)
  SELECT id, revision_count + 1, name, html, 'Edited', @user, UTC_TIMESTAMP() FROM wiki.pages WHERE id = @page;
  UPDATE wiki.pages SET html = CONCAT(LEFT(html, 4000), '<p>', MD5(RAND()), '</p>'), revision_count = revision_count + 1, updated_by = @user, updated_at = UTC_TIMESTAMP()
   WHERE id = @page;
  DELETE FROM wiki.page_revisions WHERE page_id = @page ORDER BY id LIMIT 1;
  INSERT INTO wiki.activities (type, page_id, user_id, detail, created_at) VALUES ('page_update', @page, @user, MD5(RAND()), UTC_TIMESTAMP());
END //

CREATE OR REPLACE PROCEDURE create_page()
BEGIN
  SET @user = (SELECT 1 + FLOOR(RAND() * 200));
  INSERT INTO wiki.pages (book_id, chapter_id, name, slug, html, text, revision_count, created_by, updated_by, created_at, updated_at)
  VALUES (1 + FLOOR(RAND() * 60), NULL, CONCAT('Ärger mit “', LEFT(MD5(RAND()), 6), '” 🙂'), LEFT(MD5(RAND()), 12), '<p>To be written.</p>', 'To be written.', 0, @user, @user, UTC_TIMESTAMP(), UTC_TIMESTAMP());
  SET @page = LAST_INSERT_ID();
  INSERT INTO wiki.tags (page_id, name, value) VALUES (@page, 'state', 'draft');
  INSERT INTO wiki.activities (type, page_id, user_id, detail, created_at) VALUES ('page_create', @page, @user, MD5(RAND()), UTC_TIMESTAMP());
END //

CREATE OR REPLACE PROCEDURE comment_page()
BEGIN
  INSERT INTO wiki.comments (page_id, html, created_by, created_at) VALUES (1 + FLOOR(RAND() * 4000), CONCAT('<p>Agreed. ', MD5(RAND()), '</p>'), 1 + FLOOR(RAND() * 200), UTC_TIMESTAMP());
  DELETE FROM wiki.comments ORDER BY id LIMIT 1;
END //

CREATE OR REPLACE PROCEDURE upload_to_page()
BEGIN
  SET @page = (SELECT 1 + FLOOR(RAND() * 4000)), @file = MD5(RAND());
  INSERT INTO wiki.attachments (uploaded_to, name, path, extension, external, created_by, created_at)
  VALUES (@page, CONCAT(LEFT(@file, 8), '.pdf'), CONCAT('uploads/files/2026-11/', @file, '-pdf'), 'pdf', 0, 1, UTC_TIMESTAMP());
  INSERT INTO wiki.images (uploaded_to, name, url, path, type, created_by, created_at)
  VALUES (@page, CONCAT(LEFT(@file, 8), '.png'), CONCAT('https://wiki.example.org/uploads/', @file, '.png'), CONCAT('/uploads/', @file, '.png'), 'gallery', 1, UTC_TIMESTAMP());
END //

CREATE OR REPLACE PROCEDURE log_in()
BEGIN
  SET @user = (SELECT 1 + FLOOR(RAND() * 200));
  UPDATE wiki.users SET last_seen = UTC_TIMESTAMP() WHERE id = @user;
  INSERT INTO wiki.activities (type, page_id, user_id, detail, created_at) VALUES ('auth_login', NULL, @user, MD5(RAND()), UTC_TIMESTAMP());
  DELETE FROM wiki.activities ORDER BY id LIMIT 1;
END //

-- Writes until it is told to stop, with so many seconds between two transactions. The journal keeps `kept` transactions;
-- when it has twice as many, the older half is folded into its base.
CREATE OR REPLACE PROCEDURE work(pause double, kept int)
BEGIN
  DECLARE folded bigint DEFAULT (SELECT number FROM head);
  WHILE (SELECT stop FROM control) = 0 DO
    SET @action = FLOOR(RAND() * 8);
    CALL begin_transaction(ELT(1 + @action, 'edit a page', 'edit a page', 'edit a page', 'create a page', 'comment', 'comment', 'upload', 'log in'));
    CASE
      WHEN @action <= 2 THEN CALL edit_page();
      WHEN @action = 3 THEN CALL create_page();
      WHEN @action <= 5 THEN CALL comment_page();
      WHEN @action = 6 THEN CALL upload_to_page();
      ELSE CALL log_in();
    END CASE;
    CALL end_transaction();
    IF (SELECT number FROM head) - folded >= kept THEN
      SET folded = (SELECT number FROM head);
      CALL fold(folded - kept);
    END IF;
    DO SLEEP(pause);
  END WHILE;
END //

DELIMITER ;
