SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE FUNCTION public.refuse_change_of_events() RETURNS trigger
    LANGUAGE plpgsql
    AS $$ BEGIN RAISE EXCEPTION 'events are append-only'; END $$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE public.achievement_progress (
    achievement_id character varying(128) NOT NULL COLLATE pg_catalog."C",
    first_shown timestamp without time zone,
    last_shown timestamp without time zone,
    first_deal timestamp without time zone,
    impressions bigint NOT NULL,
    responses bigint NOT NULL
);
CREATE TABLE public.achievements (
    id character varying(128) NOT NULL COLLATE pg_catalog."C",
    field character varying(500) NOT NULL,
    region character varying(6),
    status character varying(16) NOT NULL,
    published_at date,
    updated_at date,
    digest character varying(64) NOT NULL,
    record text NOT NULL,
    revision bigint NOT NULL,
    deleted boolean NOT NULL,
    holder character varying(500) NOT NULL,
    holder_type character varying(500) NOT NULL,
    stage character varying(500) NOT NULL,
    trl smallint,
    price_min double precision,
    price_max double precision,
    title character varying(500) DEFAULT ''::character varying NOT NULL
);
CREATE TABLE public.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE public.api_keys (
    key_id character varying(16) NOT NULL,
    name character varying(100) NOT NULL,
    role character varying(16) NOT NULL,
    digest character varying(64) NOT NULL,
    created_at timestamp without time zone NOT NULL,
    expires_at timestamp without time zone,
    revoked_at timestamp without time zone
);
CREATE TABLE public.audit (
    number integer NOT NULL,
    at timestamp without time zone NOT NULL,
    actor character varying(100) NOT NULL,
    action character varying(40) NOT NULL,
    subject character varying(500) NOT NULL,
    request_id character varying(32) NOT NULL
);
CREATE SEQUENCE public.audit_number_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.audit_number_seq OWNED BY public.audit.number;
CREATE TABLE public.clarifications (
    number integer NOT NULL,
    demand_id character varying(128) NOT NULL COLLATE pg_catalog."C",
    question_id character varying(128) NOT NULL,
    answered_at timestamp without time zone NOT NULL,
    clarification text NOT NULL
);
CREATE SEQUENCE public.clarifications_number_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.clarifications_number_seq OWNED BY public.clarifications.number;
CREATE TABLE public.daily_counts (
    dimension character varying(16) NOT NULL,
    day date NOT NULL,
    value character varying(128) NOT NULL,
    kind character varying(16) NOT NULL,
    number bigint NOT NULL
);
CREATE TABLE public.demand_progress (
    demand_id character varying(128) NOT NULL COLLATE pg_catalog."C",
    first_shown timestamp without time zone,
    first_response timestamp without time zone,
    first_deal timestamp without time zone,
    impressions bigint NOT NULL,
    responses bigint NOT NULL
);
CREATE TABLE public.demands (
    id character varying(128) NOT NULL COLLATE pg_catalog."C",
    field character varying(500) NOT NULL,
    region character varying(6),
    status character varying(16) NOT NULL,
    published_at date,
    updated_at date,
    digest character varying(64) NOT NULL,
    record text NOT NULL,
    revision bigint NOT NULL,
    deleted boolean NOT NULL,
    enterprise character varying(500) NOT NULL,
    trl_min smallint,
    budget_min double precision,
    budget_max double precision,
    deadline date,
    title character varying(500) DEFAULT ''::character varying NOT NULL,
    industry character varying(2) DEFAULT ''::character varying NOT NULL
);
CREATE TABLE public.duplicate_decisions (
    number integer NOT NULL,
    side character varying(16) NOT NULL,
    cluster character varying(64) NOT NULL,
    decision character varying(16) NOT NULL,
    kept_id character varying(128) COLLATE pg_catalog."C",
    ids text NOT NULL,
    operator character varying(100) NOT NULL,
    decided_at timestamp without time zone NOT NULL,
    undone_at timestamp without time zone
);
CREATE SEQUENCE public.duplicate_decisions_number_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.duplicate_decisions_number_seq OWNED BY public.duplicate_decisions.number;
CREATE TABLE public.events (
    event_id character varying(128) NOT NULL COLLATE pg_catalog."C",
    demand_id character varying(128) NOT NULL COLLATE pg_catalog."C",
    achievement_id character varying(128) NOT NULL COLLATE pg_catalog."C",
    kind character varying(16) NOT NULL,
    occurred_at timestamp without time zone,
    digest character varying(64) NOT NULL,
    event text NOT NULL
);
CREATE TABLE public.operator_sessions (
    digest character varying(64) NOT NULL,
    operator character varying(100) NOT NULL,
    created_at timestamp without time zone NOT NULL,
    seen_at timestamp without time zone NOT NULL
);
CREATE TABLE public.operators (
    name character varying(100) NOT NULL,
    role character varying(16) NOT NULL,
    password_hash character varying(200) NOT NULL,
    created_at timestamp without time zone NOT NULL,
    disabled_at timestamp without time zone,
    failures integer NOT NULL,
    locked_until timestamp without time zone,
    subject character varying(500)
);
CREATE TABLE public.review_queue (
    number integer NOT NULL,
    demand_id character varying(128) NOT NULL COLLATE pg_catalog."C",
    achievement_id character varying(128) NOT NULL COLLATE pg_catalog."C",
    stratum character varying(16) NOT NULL,
    probability double precision,
    other_probability double precision,
    bundle_version character varying(64) NOT NULL,
    queued_at timestamp without time zone NOT NULL
);
CREATE SEQUENCE public.review_queue_number_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.review_queue_number_seq OWNED BY public.review_queue.number;
CREATE TABLE public.reviews (
    number integer NOT NULL,
    demand_id character varying(128) NOT NULL COLLATE pg_catalog."C",
    achievement_id character varying(128) NOT NULL COLLATE pg_catalog."C",
    reviewer character varying(100) NOT NULL,
    level smallint NOT NULL,
    reasons character varying(200) NOT NULL,
    note character varying(1000) NOT NULL,
    stratum character varying(16) NOT NULL,
    probability double precision,
    bundle_version character varying(64) NOT NULL,
    seconds double precision NOT NULL,
    reviewed_at timestamp without time zone NOT NULL,
    undone_at timestamp without time zone,
    event_id character varying(128) COLLATE pg_catalog."C"
);
CREATE SEQUENCE public.reviews_number_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE public.reviews_number_seq OWNED BY public.reviews.number;
CREATE TABLE public.revisions (
    id smallint NOT NULL,
    value bigint NOT NULL
);
ALTER TABLE ONLY public.audit ALTER COLUMN number SET DEFAULT nextval('public.audit_number_seq'::regclass);
ALTER TABLE ONLY public.clarifications ALTER COLUMN number SET DEFAULT nextval('public.clarifications_number_seq'::regclass);
ALTER TABLE ONLY public.duplicate_decisions ALTER COLUMN number SET DEFAULT nextval('public.duplicate_decisions_number_seq'::regclass);
ALTER TABLE ONLY public.review_queue ALTER COLUMN number SET DEFAULT nextval('public.review_queue_number_seq'::regclass);
ALTER TABLE ONLY public.reviews ALTER COLUMN number SET DEFAULT nextval('public.reviews_number_seq'::regclass);
INSERT INTO public.achievement_progress VALUES ('A1', '2026-11-20 08:00:00', '2026-11-20 08:00:00', '2026-11-21 08:00:00', 1, 1);
INSERT INTO public.achievements VALUES ('A1', '', '330100', '发布', NULL, NULL, 'ef5cb03b3bbfe3a2a0b98285ef5beb43dc02e88bc8b432df7bf35101ee93f676', '{"achievement_id":"A1","content":"含水率降至40%。","holder":"某大学","industries":["C35"],"price_max":80.0,"region":"330100","title":"低温污泥干化设备","trl":6}', 1, false, '某大学', '', '', 6, NULL, 80, '低温污泥干化设备');
INSERT INTO public.achievements VALUES ('A2', '', NULL, '发布', NULL, NULL, 'c06d22bd73f4e789d544883429476b8873a8c54bac7a64623766c76296fe4f21', '{"achievement_id":"A2","holder":"某研究院","title":"膜分离装置"}', 2, false, '某研究院', '', '', NULL, NULL, NULL, '膜分离装置');
INSERT INTO public.achievements VALUES ('A3', '', NULL, '发布', NULL, NULL, '591c3d8e680e1ff9a0faa2780b7c2d7527d1c17d4bf4073a4ef332329d51ade2', '{"achievement_id":"A3","title":"要删除的成果"}', 6, true, '', '', '', NULL, NULL, NULL, '要删除的成果');
INSERT INTO public.alembic_version VALUES ('0006');
INSERT INTO public.api_keys VALUES ('k1', '后台', 'backend', '0000000000000000000000000000000000000000000000000000000000000000', '2026-11-22 11:00:00', NULL, NULL);
INSERT INTO public.audit VALUES (1, '2026-11-22 11:00:00', '后台', 'records.write', 'A1', 'r1');
INSERT INTO public.clarifications VALUES (1, 'D2', 'q1', '2026-11-22 11:00:00', '{"demand_id":"D2","question_id":"q1","question":"预算多少","answer":"60","changes":{"budget_max":60.0},"answered_at":"2026-11-22T11:00:00Z"}');
INSERT INTO public.daily_counts VALUES ('all', '2026-11-20', '', 'impression', 1);
INSERT INTO public.daily_counts VALUES ('all', '2026-11-21', '', 'deal', 1);
INSERT INTO public.daily_counts VALUES ('field', '2026-11-20', '', 'impression', 1);
INSERT INTO public.daily_counts VALUES ('field', '2026-11-21', '', 'deal', 1);
INSERT INTO public.daily_counts VALUES ('industry', '2026-11-20', '46', 'impression', 1);
INSERT INTO public.daily_counts VALUES ('industry', '2026-11-21', '46', 'deal', 1);
INSERT INTO public.daily_counts VALUES ('region', '2026-11-20', '', 'impression', 1);
INSERT INTO public.daily_counts VALUES ('region', '2026-11-21', '', 'deal', 1);
INSERT INTO public.daily_counts VALUES ('version', '2026-11-20', '', 'impression', 1);
INSERT INTO public.daily_counts VALUES ('version', '2026-11-21', '', 'deal', 1);
INSERT INTO public.demand_progress VALUES ('D1', '2026-11-20 08:00:00', '2026-11-21 08:00:00', '2026-11-21 08:00:00', 1, 1);
INSERT INTO public.demands VALUES ('D1', '', NULL, '发布', NULL, NULL, 'f0dc6a23bcb707d40775b99925e30ee2261f8eb1a62689fb3eae488e1583d76a', '{"budget_max":100.0,"content":"每天50吨","demand_id":"D1","enterprise":"某水务公司","industries":["D46"],"title":"污泥减量"}', 4, false, '某水务公司', NULL, NULL, 100, NULL, '污泥减量', '46');
INSERT INTO public.demands VALUES ('D2', '', NULL, '发布', NULL, NULL, '47c33e3ec5995a0cf76602e825a6252fbd49603d817e681e5d74d9377e75b220', '{"demand_id":"D2","title":"废水回用"}', 7, false, '', NULL, NULL, NULL, NULL, '废水回用', '');
INSERT INTO public.events VALUES ('E1', 'D1', 'A1', 'impression', '2026-11-20 08:00:00', 'cf683f728f26c148481d5f47358499257e439c4d2bb0c534e5f6d55ea104f486', '{"achievement_id":"A1","demand_id":"D1","event_id":"E1","kind":"impression","occurred_at":"2026-11-20T08:00:00Z","position":1}');
INSERT INTO public.events VALUES ('E2', 'D1', 'A1', 'deal', '2026-11-21 08:00:00', 'a613ab70152285127a426c5a4ab8c4bd0cd6f90c598fa219c8831089f78688b2', '{"achievement_id":"A1","amount":50.0,"demand_id":"D1","event_id":"E2","kind":"deal","occurred_at":"2026-11-21T08:00:00Z"}');
INSERT INTO public.events VALUES ('E3', 'D2', 'A2', 'judgement', NULL, 'ff7186cc7d6cfcd75d0ffdeca27af72160f32b8f4571b99761c818cd96f0c314', '{"achievement_id":"A2","demand_id":"D2","event_id":"E3","kind":"judgement","level":3}');
INSERT INTO public.operators VALUES ('张三', 'manager', 'hash', '2026-11-22 11:00:00', NULL, 0, NULL, NULL);
INSERT INTO public.reviews VALUES (1, 'D1', 'A2', '张三', 3, '', '', 'unsure', 0.5, 'v1', 4, '2026-11-22 11:00:00', NULL, NULL);
INSERT INTO public.revisions VALUES (1, 7);
SELECT pg_catalog.setval('public.audit_number_seq', 1, true);
SELECT pg_catalog.setval('public.clarifications_number_seq', 1, true);
SELECT pg_catalog.setval('public.duplicate_decisions_number_seq', 1, false);
SELECT pg_catalog.setval('public.review_queue_number_seq', 1, true);
SELECT pg_catalog.setval('public.reviews_number_seq', 1, true);
ALTER TABLE ONLY public.achievement_progress
    ADD CONSTRAINT achievement_progress_pkey PRIMARY KEY (achievement_id);
ALTER TABLE ONLY public.achievements
    ADD CONSTRAINT achievements_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (key_id);
ALTER TABLE ONLY public.audit
    ADD CONSTRAINT audit_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.clarifications
    ADD CONSTRAINT clarifications_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.daily_counts
    ADD CONSTRAINT daily_counts_pkey PRIMARY KEY (dimension, day, value, kind);
ALTER TABLE ONLY public.demand_progress
    ADD CONSTRAINT demand_progress_pkey PRIMARY KEY (demand_id);
ALTER TABLE ONLY public.demands
    ADD CONSTRAINT demands_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.duplicate_decisions
    ADD CONSTRAINT duplicate_decisions_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (event_id);
ALTER TABLE ONLY public.operator_sessions
    ADD CONSTRAINT operator_sessions_pkey PRIMARY KEY (digest);
ALTER TABLE ONLY public.operators
    ADD CONSTRAINT operators_pkey PRIMARY KEY (name);
ALTER TABLE ONLY public.review_queue
    ADD CONSTRAINT review_queue_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.reviews
    ADD CONSTRAINT reviews_pkey PRIMARY KEY (number);
ALTER TABLE ONLY public.revisions
    ADD CONSTRAINT revisions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY public.operators
    ADD CONSTRAINT uq_operators_subject UNIQUE (subject);
CREATE UNIQUE INDEX ix_achievements_revision ON public.achievements USING btree (revision);
CREATE INDEX ix_achievements_status_field ON public.achievements USING btree (status, field);
CREATE UNIQUE INDEX ix_api_keys_name ON public.api_keys USING btree (name);
CREATE INDEX ix_clarifications_demand_id ON public.clarifications USING btree (demand_id);
CREATE UNIQUE INDEX ix_demands_revision ON public.demands USING btree (revision);
CREATE INDEX ix_demands_status_field ON public.demands USING btree (status, field);
CREATE INDEX ix_duplicate_decisions_cluster ON public.duplicate_decisions USING btree (cluster);
CREATE INDEX ix_events_achievement_id ON public.events USING btree (achievement_id);
CREATE INDEX ix_events_demand_id ON public.events USING btree (demand_id);
CREATE INDEX ix_events_kind_occurred_at ON public.events USING btree (kind, occurred_at, achievement_id, demand_id);
CREATE INDEX ix_operator_sessions_operator ON public.operator_sessions USING btree (operator);
CREATE UNIQUE INDEX ix_review_queue_pair ON public.review_queue USING btree (demand_id, achievement_id);
CREATE INDEX ix_reviews_event_id ON public.reviews USING btree (event_id);
CREATE INDEX ix_reviews_pair ON public.reviews USING btree (demand_id, achievement_id);
CREATE TRIGGER events_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.events FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change_of_events();
