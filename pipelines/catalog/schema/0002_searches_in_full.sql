-- How a search was run, and what one that goes on after its first success learned of each
-- beginning of an answer: the nodes of its tree.
alter table searches add column mode varchar;

create table search_nodes (
    unit_id varchar, attempt integer, origin varchar,
    sample_id varchar, policy_id varchar, template_id varchar, sampling_id varchar,
    reward_id varchar, prefix varchar, depth integer, visits integer, value_sum double,
    terminal boolean
);
