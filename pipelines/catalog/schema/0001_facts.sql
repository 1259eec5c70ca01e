-- Facts. No keys or constraints: several writers on a lake have none, so nothing may rest on them.
-- Content ids make `samples` and its neighbours idempotent; committed units make evidence so.

create table corpora (
    corpus varchar, title varchar, licence varchar, homepage varchar, revision varchar,
    options json, complete boolean, ingested_at timestamp
);

-- Which record of which corpus gave which sample; many to one sample.
create table sources (
    corpus varchar, source_ref varchar, sample_id varchar, split varchar,
    revision varchar, licence varchar, ingested_at timestamp
);

create table samples (
    sample_id varchar, question_id varchar, parent_id varchar,
    corpus varchar,                 -- the first by name, for display; see `sources`
    task varchar, modality varchar, tags varchar[],
    prompt json, question varchar, answer json, answer_kind varchar, guess_rate double,
    history json, recipe varchar, steps varchar[], licence varchar, created_at timestamp
);

create table media (
    media_id varchar, kind varchar, bytes bigint, content_hash varchar,
    width integer, height integer, seconds double, rate integer
);

create table sample_media (sample_id varchar, position integer, media_id varchar);

create table rejects (
    corpus varchar, source_ref varchar, stage varchar, reason varchar, detail varchar,
    rejected_at timestamp
);

create table policies (
    policy_id varchar, name varchar, kind varchar, revision varchar, takes varchar[],
    details json, first_seen timestamp
);

create table templates (template_id varchar, name varchar, version integer, content json);

-- What a policy answered when it was asked: the evidence that everything else is derived from.
create table rollouts (
    rollout_id varchar, unit_id varchar, attempt integer,
    sample_id varchar, policy_id varchar, template_id varchar, sampling_id varchar,
    purpose varchar,                -- score | search | blind | invariance | noisy | train | eval
    origin varchar,                 -- the scoring job or the training run
    round integer, k integer,
    step integer, policy_version integer,   -- training: the optimiser step, and that of the weights
    view json,                      -- what the policy saw, where it was not the plain sample
    sampling json, seed bigint,
    completion varchar, finish_reason varchar, prompt_tokens integer, completion_tokens integer,
    advantage double, created_at timestamp
);

-- Grading stands apart, so that a new grader needs no new rollouts. correct: NULL is unscored.
create table grades (
    rollout_id varchar, unit_id varchar, attempt integer, reward_id varchar,
    value double, correct boolean, reason varchar, components json
);

create table searches (
    unit_id varchar, attempt integer, origin varchar,
    sample_id varchar, policy_id varchar, template_id varchar, sampling_id varchar,
    reward_id varchar, solved boolean,
    first_success integer,          -- one-based iteration of the first right answer; NULL: unsolved
    iterations integer, model_calls integer, completion_tokens bigint, nodes integer,
    config json, created_at timestamp
);

create table datasets (
    dataset varchar, version integer, kind varchar,     -- curated | control
    control_of varchar, plan json, plan_name varchar, manifest json, manifest_hash varchar,
    selection_hash varchar, n_rows integer, predicted_zero_advantage double, path varchar,
    created_at timestamp
);

create table dataset_samples (
    dataset varchar, version integer, position integer, stage integer, split varchar,
    sample_id varchar, padded boolean, tries integer, pass_rate double  -- as they were when it froze
);

create table runs (
    run_id varchar, dataset varchar, version integer, policy_id varchar, template_id varchar,
    trained_policy_id varchar, seed bigint, status varchar, config json, path varchar,
    started_at timestamp, ended_at timestamp
);

create table train_steps (
    run_id varchar, step integer, attempt integer, unit_id varchar,
    sample_ids varchar[], reward_mean double, zero_advantage_share double,
    loss double, entropy double, metrics json, created_at timestamp
);

create table signals (
    run_id varchar, step integer, signature varchar, value double, threshold double,
    window_steps integer, decision varchar, detail varchar, created_at timestamp
);

-- The ledger. A unit's inputs are planned before it runs; its result is committed whole, once.
create table units (
    unit_id varchar, job varchar, kind varchar, round integer, batch integer,
    status varchar,                 -- planned | done
    attempt integer, inputs json, planned_at timestamp, committed_at timestamp
);
