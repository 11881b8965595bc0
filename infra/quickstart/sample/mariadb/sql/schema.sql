-- The wiki of the sample, with the tables and the shape of BookStack's. No reference cascades: what a cascade deletes
-- fires no trigger, so the ledger would not know.
CREATE DATABASE wiki CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
USE wiki;

CREATE TABLE users (
  id         bigint unsigned AUTO_INCREMENT PRIMARY KEY,
  name       varchar(190) NOT NULL,
  email      varchar(190) NOT NULL UNIQUE,
  last_seen  datetime NULL,
  created_at datetime NOT NULL
) ENGINE = InnoDB;

CREATE TABLE books (
  id          bigint unsigned AUTO_INCREMENT PRIMARY KEY,
  name        varchar(190) NOT NULL,
  slug        varchar(190) NOT NULL,
  description text NOT NULL,
  created_by  bigint unsigned NOT NULL,
  created_at  datetime NOT NULL,
  KEY (slug),
  FOREIGN KEY (created_by) REFERENCES users (id)
) ENGINE = InnoDB;

CREATE TABLE chapters (
  id         bigint unsigned AUTO_INCREMENT PRIMARY KEY,
  book_id    bigint unsigned NOT NULL,
  name       varchar(190) NOT NULL,
  priority   int NOT NULL,
  FOREIGN KEY (book_id) REFERENCES books (id)
) ENGINE = InnoDB;

CREATE TABLE pages (
  id             bigint unsigned AUTO_INCREMENT PRIMARY KEY,
  book_id        bigint unsigned NOT NULL,
  chapter_id     bigint unsigned NULL,
  name           varchar(190) NOT NULL,
  slug           varchar(190) NOT NULL,
  html           longtext NOT NULL,
  text           longtext NOT NULL,
  revision_count int NOT NULL,
  created_by     bigint unsigned NOT NULL,
  updated_by     bigint unsigned NOT NULL,
  created_at     datetime NOT NULL,
  updated_at     datetime NOT NULL,
  KEY (slug),
  KEY (updated_at),
  FOREIGN KEY (book_id) REFERENCES books (id),
  FOREIGN KEY (chapter_id) REFERENCES chapters (id),
  FOREIGN KEY (created_by) REFERENCES users (id),
  FOREIGN KEY (updated_by) REFERENCES users (id)
) ENGINE = InnoDB;

CREATE TABLE page_revisions (
  id              bigint unsigned AUTO_INCREMENT PRIMARY KEY,
  page_id         bigint unsigned NOT NULL,
  revision_number int NOT NULL,
  name            varchar(190) NOT NULL,
  html            longtext NOT NULL,
  summary         varchar(190) NULL,
  created_by      bigint unsigned NOT NULL,
  created_at      datetime NOT NULL,
  FOREIGN KEY (page_id) REFERENCES pages (id),
  FOREIGN KEY (created_by) REFERENCES users (id)
) ENGINE = InnoDB;

CREATE TABLE attachments (
  id          bigint unsigned AUTO_INCREMENT PRIMARY KEY,
  uploaded_to bigint unsigned NOT NULL,
  name        varchar(190) NOT NULL,
  path        varchar(190) NOT NULL,
  extension   varchar(20) NOT NULL,
  external    tinyint(1) NOT NULL,
  created_by  bigint unsigned NOT NULL,
  created_at  datetime NOT NULL,
  FOREIGN KEY (uploaded_to) REFERENCES pages (id)
) ENGINE = InnoDB;

CREATE TABLE images (
  id          bigint unsigned AUTO_INCREMENT PRIMARY KEY,
  uploaded_to bigint unsigned NOT NULL,
  name        varchar(190) NOT NULL,
  url         varchar(190) NOT NULL,
  path        varchar(400) NOT NULL,
  type        varchar(20) NOT NULL,
  created_by  bigint unsigned NOT NULL,
  created_at  datetime NOT NULL,
  KEY (type),
  FOREIGN KEY (uploaded_to) REFERENCES pages (id)
) ENGINE = InnoDB;

CREATE TABLE comments (
  id         bigint unsigned AUTO_INCREMENT PRIMARY KEY,
  page_id    bigint unsigned NOT NULL,
  html       text NOT NULL,
  created_by bigint unsigned NOT NULL,
  created_at datetime NOT NULL,
  FOREIGN KEY (page_id) REFERENCES pages (id)
) ENGINE = InnoDB;

CREATE TABLE tags (
  id      bigint unsigned AUTO_INCREMENT PRIMARY KEY,
  page_id bigint unsigned NOT NULL,
  name    varchar(190) NOT NULL,
  value   varchar(190) NOT NULL,
  KEY (name, value),
  FOREIGN KEY (page_id) REFERENCES pages (id)
) ENGINE = InnoDB;

CREATE TABLE activities (
  id         bigint unsigned AUTO_INCREMENT PRIMARY KEY,
  type       varchar(40) NOT NULL,
  page_id    bigint unsigned NULL,
  user_id    bigint unsigned NOT NULL,
  detail     varchar(250) NOT NULL,
  created_at datetime NOT NULL,
  KEY (created_at),
  FOREIGN KEY (user_id) REFERENCES users (id)
) ENGINE = InnoDB;
