-- A corpus has revisions; a benchmark is a corpus that nothing in the pool may repeat.
alter table corpora add column benchmark boolean;

create table revisions (
    corpus varchar, revision varchar, number integer,   -- in the order in which they were read whole
    records integer, superseded integer, withdrawn integer, read_at timestamp
);

-- How a record left its corpus: NULL while it stands there. superseded: a later revision has
-- another sample in its place; withdrawn: it has none.
alter table sources add column ended varchar;
alter table sources add column ended_revision varchar;
alter table sources add column ended_at timestamp;

-- 64-bit perceptual hashes of the eight mirrored and turned versions of a picture, itself first
-- (pipelines.record.phash); frames: of a video, those that could be decoded.
alter table media add column phashes bigint[];
alter table media add column frames integer;

-- Samples that were removed for good, and may not come back.
create table withdrawals (
    sample_id varchar, question_id varchar, corpus varchar, source_ref varchar,
    reason varchar, datasets varchar[],     -- the versions that hold it
    withdrawn_at timestamp
);

-- Pairs of samples that were found alike, with what was measured; a_id < b_id.
create table alike (
    a_id varchar, b_id varchar,
    verdict varchar,        -- duplicate | same picture | same text
    how varchar,            -- which rule said so
    text_similarity double, -- Jaccard of word n-grams
    picture_distance integer, picture_version integer,  -- bits, and which of the eight versions
    found_at timestamp
);

-- Of each group of duplicates one stays; family: duplicates and their views share one.
create table duplicates (sample_id varchar, keeper_id varchar, how varchar, found_at timestamp);
create table joined_families (family_id varchar, joined_id varchar);

-- What in the pool repeats a benchmark, with the evidence.
create table leaks (
    sample_id varchar, benchmark varchar, benchmark_revision varchar, benchmark_id varchar,
    verdict varchar,        -- leak | same picture
    how varchar, text_similarity double,
    picture_distance integer, picture_version integer, found_at timestamp
);
