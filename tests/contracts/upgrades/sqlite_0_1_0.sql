BEGIN TRANSACTION;
CREATE TABLE achievement_progress (
	achievement_id VARCHAR(128) NOT NULL, 
	first_shown DATETIME, 
	last_shown DATETIME, 
	first_deal DATETIME, 
	impressions BIGINT NOT NULL, 
	responses BIGINT NOT NULL, 
	PRIMARY KEY (achievement_id)
);
INSERT INTO "achievement_progress" VALUES('A1','2026-11-20 08:00:00.000000','2026-11-20 08:00:00.000000','2026-11-21 08:00:00.000000',1,1);
CREATE TABLE achievements (
	id VARCHAR(128) NOT NULL, 
	field VARCHAR(500) NOT NULL, 
	region VARCHAR(6), 
	status VARCHAR(16) NOT NULL, 
	published_at DATE, 
	updated_at DATE, 
	digest VARCHAR(64) NOT NULL, 
	record TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	deleted BOOLEAN NOT NULL, 
	holder VARCHAR(500) NOT NULL, 
	holder_type VARCHAR(500) NOT NULL, 
	stage VARCHAR(500) NOT NULL, 
	trl SMALLINT, 
	price_min FLOAT, 
	price_max FLOAT, title VARCHAR(500) DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "achievements" VALUES('A1','','330100','发布',NULL,NULL,'ef5cb03b3bbfe3a2a0b98285ef5beb43dc02e88bc8b432df7bf35101ee93f676','{"achievement_id":"A1","content":"含水率降至40%。","holder":"某大学","industries":["C35"],"price_max":80.0,"region":"330100","title":"低温污泥干化设备","trl":6}',1,0,'某大学','','',6,NULL,80.0,'低温污泥干化设备');
INSERT INTO "achievements" VALUES('A2','',NULL,'发布',NULL,NULL,'c06d22bd73f4e789d544883429476b8873a8c54bac7a64623766c76296fe4f21','{"achievement_id":"A2","holder":"某研究院","title":"膜分离装置"}',2,0,'某研究院','','',NULL,NULL,NULL,'膜分离装置');
INSERT INTO "achievements" VALUES('A3','',NULL,'发布',NULL,NULL,'591c3d8e680e1ff9a0faa2780b7c2d7527d1c17d4bf4073a4ef332329d51ade2','{"achievement_id":"A3","title":"要删除的成果"}',6,1,'','','',NULL,NULL,NULL,'要删除的成果');
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0006');
CREATE TABLE api_keys (
	key_id VARCHAR(16) NOT NULL, 
	name VARCHAR(100) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME, 
	revoked_at DATETIME, 
	PRIMARY KEY (key_id)
);
INSERT INTO "api_keys" VALUES('k1','后台','backend','0000000000000000000000000000000000000000000000000000000000000000','2026-11-22 11:00:00.000000',NULL,NULL);
CREATE TABLE audit (
	number INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor VARCHAR(100) NOT NULL, 
	action VARCHAR(40) NOT NULL, 
	subject VARCHAR(500) NOT NULL, 
	request_id VARCHAR(32) NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "audit" VALUES(1,'2026-11-22 11:00:00.000000','后台','records.write','A1','r1');
CREATE TABLE clarifications (
	number INTEGER NOT NULL, 
	demand_id VARCHAR(128) NOT NULL, 
	question_id VARCHAR(128) NOT NULL, 
	answered_at DATETIME NOT NULL, 
	clarification TEXT NOT NULL, 
	PRIMARY KEY (number)
);
INSERT INTO "clarifications" VALUES(1,'D2','q1','2026-11-22 11:00:00.000000','{"demand_id":"D2","question_id":"q1","question":"预算多少","answer":"60","changes":{"budget_max":60.0},"answered_at":"2026-11-22T11:00:00Z"}');
CREATE TABLE daily_counts (
	dimension VARCHAR(16) NOT NULL, 
	day DATE NOT NULL, 
	value VARCHAR(128) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	number BIGINT NOT NULL, 
	PRIMARY KEY (dimension, day, value, kind)
);
INSERT INTO "daily_counts" VALUES('all','2026-11-20','','impression',1);
INSERT INTO "daily_counts" VALUES('all','2026-11-21','','deal',1);
INSERT INTO "daily_counts" VALUES('field','2026-11-20','','impression',1);
INSERT INTO "daily_counts" VALUES('field','2026-11-21','','deal',1);
INSERT INTO "daily_counts" VALUES('industry','2026-11-20','46','impression',1);
INSERT INTO "daily_counts" VALUES('industry','2026-11-21','46','deal',1);
INSERT INTO "daily_counts" VALUES('region','2026-11-20','','impression',1);
INSERT INTO "daily_counts" VALUES('region','2026-11-21','','deal',1);
INSERT INTO "daily_counts" VALUES('version','2026-11-20','','impression',1);
INSERT INTO "daily_counts" VALUES('version','2026-11-21','','deal',1);
CREATE TABLE demand_progress (
	demand_id VARCHAR(128) NOT NULL, 
	first_shown DATETIME, 
	first_response DATETIME, 
	first_deal DATETIME, 
	impressions BIGINT NOT NULL, 
	responses BIGINT NOT NULL, 
	PRIMARY KEY (demand_id)
);
INSERT INTO "demand_progress" VALUES('D1','2026-11-20 08:00:00.000000','2026-11-21 08:00:00.000000','2026-11-21 08:00:00.000000',1,1);
CREATE TABLE demands (
	id VARCHAR(128) NOT NULL, 
	field VARCHAR(500) NOT NULL, 
	region VARCHAR(6), 
	status VARCHAR(16) NOT NULL, 
	published_at DATE, 
	updated_at DATE, 
	digest VARCHAR(64) NOT NULL, 
	record TEXT NOT NULL, 
	revision BIGINT NOT NULL, 
	deleted BOOLEAN NOT NULL, 
	enterprise VARCHAR(500) NOT NULL, 
	trl_min SMALLINT, 
	budget_min FLOAT, 
	budget_max FLOAT, 
	deadline DATE, title VARCHAR(500) DEFAULT '' NOT NULL, industry VARCHAR(2) DEFAULT '' NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "demands" VALUES('D1','',NULL,'发布',NULL,NULL,'f0dc6a23bcb707d40775b99925e30ee2261f8eb1a62689fb3eae488e1583d76a','{"budget_max":100.0,"content":"每天50吨","demand_id":"D1","enterprise":"某水务公司","industries":["D46"],"title":"污泥减量"}',4,0,'某水务公司',NULL,NULL,100.0,NULL,'污泥减量','46');
INSERT INTO "demands" VALUES('D2','',NULL,'发布',NULL,NULL,'47c33e3ec5995a0cf76602e825a6252fbd49603d817e681e5d74d9377e75b220','{"demand_id":"D2","title":"废水回用"}',7,0,'',NULL,NULL,NULL,NULL,'废水回用','');
CREATE TABLE duplicate_decisions (
	number INTEGER NOT NULL, 
	side VARCHAR(16) NOT NULL, 
	cluster VARCHAR(64) NOT NULL, 
	decision VARCHAR(16) NOT NULL, 
	kept_id VARCHAR(128), 
	ids TEXT NOT NULL, 
	operator VARCHAR(100) NOT NULL, 
	decided_at DATETIME NOT NULL, 
	undone_at DATETIME, 
	PRIMARY KEY (number)
);
CREATE TABLE events (
	event_id VARCHAR(128) NOT NULL, 
	demand_id VARCHAR(128) NOT NULL, 
	achievement_id VARCHAR(128) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	occurred_at DATETIME, 
	digest VARCHAR(64) NOT NULL, 
	event TEXT NOT NULL, 
	PRIMARY KEY (event_id)
);
INSERT INTO "events" VALUES('E1','D1','A1','impression','2026-11-20 08:00:00.000000','cf683f728f26c148481d5f47358499257e439c4d2bb0c534e5f6d55ea104f486','{"achievement_id":"A1","demand_id":"D1","event_id":"E1","kind":"impression","occurred_at":"2026-11-20T08:00:00Z","position":1}');
INSERT INTO "events" VALUES('E2','D1','A1','deal','2026-11-21 08:00:00.000000','a613ab70152285127a426c5a4ab8c4bd0cd6f90c598fa219c8831089f78688b2','{"achievement_id":"A1","amount":50.0,"demand_id":"D1","event_id":"E2","kind":"deal","occurred_at":"2026-11-21T08:00:00Z"}');
INSERT INTO "events" VALUES('E3','D2','A2','judgement',NULL,'ff7186cc7d6cfcd75d0ffdeca27af72160f32b8f4571b99761c818cd96f0c314','{"achievement_id":"A2","demand_id":"D2","event_id":"E3","kind":"judgement","level":3}');
CREATE TABLE operator_sessions (
	digest VARCHAR(64) NOT NULL, 
	operator VARCHAR(100) NOT NULL, 
	created_at DATETIME NOT NULL, 
	seen_at DATETIME NOT NULL, 
	PRIMARY KEY (digest)
);
CREATE TABLE "operators" (
	name VARCHAR(100) NOT NULL, 
	role VARCHAR(16) NOT NULL, 
	password_hash VARCHAR(200) NOT NULL, 
	created_at DATETIME NOT NULL, 
	disabled_at DATETIME, 
	failures INTEGER NOT NULL, 
	locked_until DATETIME, 
	subject VARCHAR(500), 
	PRIMARY KEY (name), 
	CONSTRAINT uq_operators_subject UNIQUE (subject)
);
INSERT INTO "operators" VALUES('张三','manager','hash','2026-11-22 11:00:00.000000',NULL,0,NULL,NULL);
CREATE TABLE review_queue (
	number INTEGER NOT NULL, 
	demand_id VARCHAR(128) NOT NULL, 
	achievement_id VARCHAR(128) NOT NULL, 
	stratum VARCHAR(16) NOT NULL, 
	probability FLOAT, 
	other_probability FLOAT, 
	bundle_version VARCHAR(64) NOT NULL, 
	queued_at DATETIME NOT NULL, 
	PRIMARY KEY (number)
);
CREATE TABLE reviews (
	number INTEGER NOT NULL, 
	demand_id VARCHAR(128) NOT NULL, 
	achievement_id VARCHAR(128) NOT NULL, 
	reviewer VARCHAR(100) NOT NULL, 
	level SMALLINT NOT NULL, 
	reasons VARCHAR(200) NOT NULL, 
	note VARCHAR(1000) NOT NULL, 
	stratum VARCHAR(16) NOT NULL, 
	probability FLOAT, 
	bundle_version VARCHAR(64) NOT NULL, 
	seconds FLOAT NOT NULL, 
	reviewed_at DATETIME NOT NULL, 
	undone_at DATETIME, 
	event_id VARCHAR(128), 
	PRIMARY KEY (number)
);
INSERT INTO "reviews" VALUES(1,'D1','A2','张三',3,'','','unsure',0.5,'v1',4.0,'2026-11-22 11:00:00.000000',NULL,NULL);
CREATE TABLE revisions (
	id SMALLINT NOT NULL, 
	value BIGINT NOT NULL, 
	PRIMARY KEY (id)
);
INSERT INTO "revisions" VALUES(1,7);
CREATE UNIQUE INDEX ix_achievements_revision ON achievements (revision);
CREATE INDEX ix_achievements_status_field ON achievements (status, field);
CREATE UNIQUE INDEX ix_demands_revision ON demands (revision);
CREATE INDEX ix_demands_status_field ON demands (status, field);
CREATE INDEX ix_events_demand_id ON events (demand_id);
CREATE INDEX ix_events_achievement_id ON events (achievement_id);
CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_no_delete BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE UNIQUE INDEX ix_api_keys_name ON api_keys (name);
CREATE INDEX ix_clarifications_demand_id ON clarifications (demand_id);
CREATE INDEX ix_operator_sessions_operator ON operator_sessions (operator);
CREATE UNIQUE INDEX ix_review_queue_pair ON review_queue (demand_id, achievement_id);
CREATE INDEX ix_reviews_pair ON reviews (demand_id, achievement_id);
CREATE INDEX ix_reviews_event_id ON reviews (event_id);
CREATE INDEX ix_duplicate_decisions_cluster ON duplicate_decisions (cluster);
CREATE INDEX ix_events_kind_occurred_at ON events (kind, occurred_at, achievement_id, demand_id);
CREATE INDEX ix_achievements_listed ON achievements (deleted, status, id, field, region, published_at, updated_at, holder, stage, trl, price_min, title);
CREATE INDEX ix_demands_listed ON demands (deleted, status, id, field, region, published_at, updated_at, enterprise, trl_min, budget_max, deadline, industry, title);
COMMIT;
