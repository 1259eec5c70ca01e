-- Media whose files are gone or damaged: samples that show one are no candidates until they heal.
create table quarantine (
    media_id varchar,
    reason varchar,                 -- missing_file | damaged_file | no_row
    found_at timestamp
);
