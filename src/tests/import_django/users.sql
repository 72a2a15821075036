-- Users as Django 5.2 wrote them (argon2-cffi 25.1, bcrypt 5.0); for both engines. Everybody's password is their name,
-- an s and " old password", but for kaja ("Pässwörter für Käthe") and walt ("ﬁve ﬂowers of walt", with ligatures).
-- Made by hand: argon2i and argon2d of old versions (gina, hugo), vera's iterations, yuri's unsalted MD5, below's number.

INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (-1, 'pbkdf2_sha256$10000$m0S6PDiZTmzbUFBHEPJyGE$wboxLynpOwGHzI62ArMhq2+lbgg3XVpl+NkLx7sMF+E=',
        NULL, FALSE, 'below', '', '', 'below@example.com', FALSE, TRUE, '2024-01-29 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (1, 'pbkdf2_sha256$1000000$OXEjrDYqGhBEQcSzrlYLwJ$mHQgUKMG4BopDDjpsc3cu1EWbNDmJWpPw4UOUbbFsaw=',
        '2026-03-04 05:06:07.890123', TRUE, 'ada', 'Ada', 'Årud', 'ada@example.com', TRUE, TRUE, '2024-01-03 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (2, 'pbkdf2_sha1$10000$DtQuczPqwaw53sJKXzTx63$dKdNosuDO2FMWCYZZq78pv2GHSI=',
        NULL, FALSE, 'bert', '', '', 'bert@example.com', FALSE, TRUE, '2024-01-04 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (3, 'argon2$argon2id$v=19$m=102400,t=2,p=8$MzVNb3ZmUnhla1JMOWZ0YzBOSUpKSQ$ndlgehQFkwtYMOHjm+b2QzU6Ka6RDXyysUXCk8/UEkc',
        NULL, FALSE, 'cleo', '', '', 'cleo@example.com', FALSE, TRUE, '2024-01-05 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (4, 'bcrypt_sha256$$2b$12$uk6tGG/spQ6dq20CRSUVVe4zgfvNwl.ar7hom.GTGGED6KbYaSLq6',
        NULL, FALSE, 'dora', '', '', 'dora@example.com', FALSE, TRUE, '2024-01-06 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (5, 'bcrypt$$2b$12$KG/wUAQj71xfGBb0zPmrpu5apyc4U2bbLw9WPDZevxsMaNRF3ojUC',
        NULL, FALSE, 'emil', '', '', 'emil@example.com', FALSE, TRUE, '2024-01-07 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (6, 'scrypt$16384$a3SYtk4dUAGzIZkCGW6opD$8$5$2q+7GlrEwba7JOqSWW3i7HEia9ZmfLof/S4bLUQaKqLEEGZSEt7NHyuJVgTI17iUQAD8004O7YQmYDgj4DlaFQ==',
        NULL, FALSE, 'fred', '', '', 'fred@example.com', FALSE, TRUE, '2024-01-08 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (7, 'argon2$argon2i$v=19$m=512,t=2,p=2$dXJNQlpHWlU4dEN0YmRVaw$uWC9vTxxvGjxxnmC2v5p2A',
        NULL, FALSE, 'gina', '', '', 'gina@example.com', FALSE, TRUE, '2024-01-09 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (8, 'argon2$argon2d$v=16$m=512,t=2,p=2$TVlzOHl3azNVQVVveVJ3Wg$C81+DXKNOahsGCJZ7k2tIg',
        NULL, FALSE, 'hugo', '', '', 'hugo@example.com', FALSE, TRUE, '2024-01-10 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (9, '!d5KEHXGfOasr6gFgOh8s7EZxBIGVzNDfsEWv2jZx',
        NULL, FALSE, 'inga', '', '', 'inga@example.com', FALSE, TRUE, '2024-01-11 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (10, 'pbkdf2_sha256$10000$0PkLESqPv7n52sWmiFybum$yhNFdCNpP5MtCinqTzPZyOC5IiBlFj/kd4F7x9fNgJQ=',
        NULL, FALSE, 'jens', '', '', 'jens@example.com', FALSE, FALSE, '2024-01-12 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (11, 'pbkdf2_sha256$10000$RMrIgWBYzNRqDIqfdtqskV$f2HGdWw4964DjiA0D/h4fcxBcVlU1cuwy8Bt1H0+PCg=',
        NULL, FALSE, 'kaja', '', '', 'kaja@example.com', TRUE, TRUE, '2024-01-13 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (12, 'pbkdf2_sha256$10000$TeiZPS9J7cX3eCnsDWxFHQ$7j4E/9dLr53qHidh+MriLNyxjr0D+vt7ySF6uE8m1h8=',
        NULL, FALSE, 'lena', '', '', 'lena@example.com', FALSE, TRUE, '2024-01-14 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (13, 'pbkdf2_sha256$10000$JoGTSkWPvv623Ivicwd75C$lO2qBVRTUXVuzcjxnC9FuBwVZhumjZqRrswiuflFGBU=',
        NULL, FALSE, 'mats', '', '', 'mats@example.com', FALSE, TRUE, '2024-01-15 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (14, 'pbkdf2_sha256$10000$FzjpBMruJy96XD2ESNsgnL$qdBqo/KOuYhqHClShKTrPTUbFgKDrlRL+V550Z+w7LI=',
        NULL, FALSE, 'Mats', '', '', 'mats.two@example.com', FALSE, TRUE, '2024-01-16 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (15, 'pbkdf2_sha256$10000$4DLxC2TRXpN3fasOFjqpCx$0RuKM5HR+UlfNdYU7KL8Zvg/VGY8y3Y+SGpf742G+IQ=',
        NULL, FALSE, 'nora', '', '', 'Shared@Example.com', FALSE, TRUE, '2024-01-17 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (16, 'pbkdf2_sha256$10000$EiStiNFDf1XrOVkULuxVGe$vDxbsv0j/bjSQS2Bj4qBbLEe5prnvqxngZoYhvHb9RM=',
        NULL, FALSE, 'olga', '', '', 'shared@example.com', FALSE, TRUE, '2024-01-18 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (17, 'pbkdf2_sha256$10000$AdkgzbhYePQJqKAFiCbiQs$PHsoG6LHqusBeiUZhCkdcf8/dRYWOzRB/kCFbvhZrjk=',
        NULL, FALSE, 'paul', '', '', '', FALSE, TRUE, '2024-01-19 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (18, 'pbkdf2_sha256$10000$XDypy2toRLdvp4T5ya7oEs$4oosUV+BdHejQCShKlbPhYPKpOFoArD5/5wqSQJx598=',
        NULL, FALSE, 'quinn@example.com', '', '', 'Quinn@example.com', FALSE, TRUE, '2024-01-20 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (19, 'pbkdf2_sha256$10000$kmMIzlwNnDHfMpf8wE809I$XeNKM6VOEDW9saBpyvKC2E9Vr2u09yolCHruc1Nb25w=',
        NULL, FALSE, '-rosa-', '', '', 'rosa@example.com', FALSE, TRUE, '2024-01-21 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (20, 'pbkdf2_sha256$10000$4cHUB47ayQkzdt9CWKQXT9$XLai2ZVdSMKqaxs9tqj27nUxv+G6nd20r8X5QZ3pMwg=',
        NULL, FALSE, 'ssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss', '', '', 'sven@example.com', FALSE, TRUE, '2024-01-22 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (21, 'pbkdf2_sha256$10000$Vmji7osfC5pQ6EkxZh7K72$SXzkM9RLOgbsB0zLzRFDdxCtpEIPb4jmS0kEnVKUaeA=',
        NULL, FALSE, 'tina@elsewhere.test', '', '', 'tina@example.com', FALSE, TRUE, '2024-01-23 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (22, 'md5$reV7G8NA4RqvKiF2DJpvnf$ecbe5dee2d9b4d9fb9ebc7e08985e334',
        NULL, FALSE, 'theo', '', '', 'theo@example.com', FALSE, TRUE, '2024-01-24 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (23, 'pbkdf2_sha256$10000$FT9UacjuPeYBtx4OsovElU$hu88KHPK3Fu+RGJKClj99QlnUdu2LiSY3bgyT5k5NS0=',
        NULL, FALSE, 'žofie', '', '', 'zofie@example.com', FALSE, TRUE, '2024-01-25 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (24, 'pbkdf2_sha256$10000$kyDNgV6nItIlyuzaJaNV5b$UvBaWWJO4774ciXsionKqODUt1lBfCbvZq11HJavkuU=',
        NULL, FALSE, 'ulla', '', '', 'not an address', FALSE, TRUE, '2024-01-26 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (25, 'pbkdf2_sha256$50000000$mEDnutc0BtrI0UJUY406xr$eb5XMhbpzjlHb8Hq0C91UJlvWHt8yrBMd+rM85/Fdbk=',
        NULL, FALSE, 'vera', '', '', 'vera@example.com', FALSE, TRUE, '2024-01-27 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (26, 'pbkdf2_sha256$10000$2MSV4D43zYdVbtpUw6Engr$u+EmTH3zDs/w7tBHTzPrNPSEPYWnVwZCbbgRAGbY5xI=',
        NULL, FALSE, 'walt', 'WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW', '', 'walt@example.com', FALSE, TRUE, '2024-01-28 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (27, 'pbkdf2_sha256$10000$JX2PMycvMTjek4Py0Ov2HA$IZVkVIl0qf/tfCVQppWiuBAqKTwCInFV3/kB9Q4lcS8=',
        NULL, FALSE, 'admin', '', '', 'admin@example.com', FALSE, TRUE, '2024-01-29 03:04:05.678901');
INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
VALUES (28, '0123456789abcdef0123456789abcdef',
        NULL, FALSE, 'yuri', '', '', 'yuri@example.com', FALSE, TRUE, '2024-01-30 03:04:05.678901');
