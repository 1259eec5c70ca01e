-- What happened to each group of a training step: what was asked, what entered the update.
create table train_groups (
    run_id varchar, step integer, attempt integer, unit_id varchar,
    slot integer,                   -- place in the step
    position integer,               -- of the row in the dataset version
    sample_id varchar,
    came varchar,                   -- planned | refill | replay
    entered boolean,                -- whether the update learned from it
    padded boolean,                 -- asked once more, only to fill a batch
    answers integer, graded integer, successes integer,     -- of the plain sample
    noisy_answers integer, noisy_graded integer, noisy_successes integer,  -- of its noisy view
    reward_mean double, abs_advantage double,
    age integer                     -- steps since its answers were drawn (replay)
);

-- What a run ran on: versions of the libraries that decide its result, and its processes.
alter table runs add column environment json;

-- Which attempt at a step saw a signal: those of a superseded one do not count.
alter table signals add column unit_id varchar;
alter table signals add column attempt integer;
