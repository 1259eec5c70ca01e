-- A corpus has revisions; a benchmark is a corpus that nothing in the pool may repeat.
alter table corpora add column benchmark boolean;

create table revisions (
    corpus varchar, revision varchar, number integer,   -- in the order in which they were read whole
    records integer, superseded integer, withdrawn integer, read_at timestamp
);

-- How a record left its corpus: NULL while it stands there. superseded: a later revision has
-- another sample in its place; withdrawn: it has none; moved: it has the sample in another place.
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

-- Pairs of samples that were found alike, with what was measured; a_id is the one that would stay.
create table alike (
    a_id varchar, b_id varchar,
    verdict varchar,                -- duplicate | conflict
    how varchar,                    -- which rule said so
    text_similarity double,         -- Jaccard of word 3-grams
    picture_distance integer,       -- bits of the hash; NULL: it was not looked at
    picture_version integer,        -- which of the eight versions of a's picture b shows
    pixel_difference double,        -- levels of 255 in the patch that differs most
    found_at timestamp
);

-- Each sample that repeats one that stays; families that must stay on one side of a split.
create table duplicates (sample_id varchar, keeper_id varchar, how varchar, found_at timestamp);
create table joined_families (family_id varchar, joined_id varchar);

-- What in the pool repeats a benchmark, with the evidence.
create table leaks (
    sample_id varchar, benchmark varchar, benchmark_revision varchar, benchmark_id varchar,
    verdict varchar,                -- leak | same picture
    how varchar, text_similarity double,
    picture_distance integer, picture_version integer, pixel_difference double, found_at timestamp
);

-- Pictures that were laid over each other, so that it need not be done again.
create table compared_pictures (
    a_media_id varchar, b_media_id varchar, version integer, difference double
);

-- What was compared when, by a hash of it: what has not changed need not be compared again.
create table cleanings (content_hash varchar, samples integer, summary json, cleaned_at timestamp);
