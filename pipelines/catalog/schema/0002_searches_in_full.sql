-- How a search was run, and what one that goes on after its first success learned of each
-- beginning of an answer: the nodes of its tree.
alter table searches add column mode varchar;        -- first-success | faithful | value
alter table searches add column unscored integer;    -- iterations whose answer could not be graded
alter table searches add column problem varchar;     -- why it was given up: solved is then NULL

create table search_nodes (
    unit_id varchar, attempt integer, origin varchar,
    sample_id varchar, policy_id varchar, template_id varchar, sampling_id varchar,
    reward_id varchar, prefix varchar, depth integer, visits integer, value_sum double,
    terminal boolean
);

-- What unfinished searches have heard, so that a killed one goes on; dropped when all have ended.
create table search_replies (
    unit_id varchar, attempt integer,
    search_id varchar,              -- the unit of the samples that are searched together
    sample_id varchar, call integer, prompt_tokens integer,
    texts varchar[], finish_reasons varchar[], completion_tokens integer[], problems varchar[]
);
