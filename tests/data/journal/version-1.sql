-- Written by sipnlb at schema version 1 itself, and dumped by sqlite3: what a migration has to take.
BEGIN TRANSACTION;
CREATE TABLE journal (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at VARCHAR(32) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	cluster VARCHAR(200) NOT NULL, 
	host VARCHAR(200) NOT NULL, 
	port VARCHAR(200) NOT NULL, 
	verb VARCHAR(16) NOT NULL, 
	"row" VARCHAR(64) NOT NULL, 
	reason VARCHAR(64) NOT NULL, 
	outcome VARCHAR(64), 
	ended_at VARCHAR(32), 
	count INTEGER NOT NULL, 
	last_at VARCHAR(32) NOT NULL, 
	parent INTEGER, 
	"trigger" VARCHAR(16) NOT NULL, 
	level VARCHAR(16) NOT NULL, 
	fingerprint VARCHAR(200) NOT NULL, 
	starts_at VARCHAR(32), 
	detail TEXT NOT NULL
);
INSERT INTO "journal" VALUES(1,'2024-06-11T21:47:03.250Z','alert','quito','quito-1','5080','','','',NULL,NULL,1,'2024-06-11T21:47:03.250Z',NULL,'webhook','','f1','2024-06-11T21:47:01.000Z','{"alertname": "SipServerBecamePrimary"}');
INSERT INTO "journal" VALUES(2,'2024-06-11T21:47:03.250Z','decision','quito','','','','primary_closed_other_open','',NULL,NULL,1,'2024-06-11T21:47:03.250Z',NULL,'alert','enforce','',NULL,'{"why": "so"}');
INSERT INTO "journal" VALUES(3,'2024-06-11T21:47:03.250Z','action','quito','quito-1','5080','enable','primary_closed','','verified','2024-06-11T21:47:03.250Z',1,'2024-06-11T21:47:03.250Z',2,'','','',NULL,'{"before": "disabled"}');
INSERT INTO "journal" VALUES(4,'2024-06-11T21:47:03.250Z','action','quito','quito-2','5080','disable','other_open','',NULL,NULL,1,'2024-06-11T21:47:03.250Z',2,'','','',NULL,'{"zone": "東京"}');
CREATE TABLE schema_version (
	version INTEGER NOT NULL, 
	PRIMARY KEY (version)
);
INSERT INTO "schema_version" VALUES(1);
CREATE INDEX journal_open_of_cluster ON journal (cluster, kind, outcome);
CREATE INDEX journal_open ON journal (outcome, kind);
CREATE INDEX journal_episode ON journal (fingerprint, starts_at);
CREATE INDEX journal_cluster ON journal (cluster, id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('journal',4);
COMMIT;
