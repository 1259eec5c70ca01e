-- Derived. Everything here is a function of the facts and is made anew with every schema version.

-- Several attempts at one unit may have left rollouts (a training step redone after a kill);
-- only the latest counts, the others stay and are marked.
create or replace view rollout_status as
select r.*, r.attempt < coalesce(u.attempt, r.attempt) as superseded
from rollouts r left join units u using (unit_id);

-- One row per rollout and grader: the whole story of an answer.
create or replace view graded as
select r.*, g.reward_id, g.value as reward, g.correct, g.reason, g.components
from rollout_status r join grades g using (rollout_id)
where not r.superseded;

-- Search effort per sample and policy: the latest search.
create or replace view search_effort as
select * exclude (newest) from (
    select s.*, row_number() over (
        partition by sample_id, policy_id, template_id, reward_id order by s.created_at desc, s.unit_id
    ) as newest
    from searches s join units u using (unit_id) where s.attempt = u.attempt
) where newest = 1;

-- How often the question is answered right with its media withheld.
create or replace view blind_rate as
select sample_id, policy_id, template_id, sampling_id, reward_id,
    count(correct)::integer as n, avg(correct::integer) as blind_rate
from graded where purpose = 'blind' group by all;

-- sample x policy x template x sampling x reward, from purpose `score` alone.
create or replace view difficulty as
with counts as (
    select
        sample_id, policy_id, template_id, sampling_id, reward_id,
        count(correct)::integer as n,
        count(*) filter (correct)::integer as successes,
        count(*) filter (correct is null)::integer as unscored,
        avg(completion_tokens) as mean_completion_tokens,
        max(created_at) as last_asked
    from graded where purpose = 'score'
    group by all
),
bounds as (
    select
        c.*, s.guess_rate,
        -- Above the table's n: a normal approximation of the Beta posterior (docs/catalog.md).
        sqrt((successes + 0.5) * (n - successes + 0.5) / ((n + 1.0) * (n + 1.0) * (n + 2.0))) as sd
    from counts c left join samples s using (sample_id)
)
select
    b.sample_id, b.policy_id, p.name as policy, b.template_id, b.sampling_id, b.reward_id,
    b.n, b.successes, b.unscored,
    case when b.n > 0 then b.successes / b.n end as pass_rate,
    (b.successes + 0.5) / (b.n + 1.0) as posterior_mean,
    coalesce(q.low, greatest(0.0, (b.successes + 0.5) / (b.n + 1.0) - 1.959964 * b.sd)) as ci_low,
    coalesce(q.high, least(1.0, (b.successes + 0.5) / (b.n + 1.0) + 1.959964 * b.sd)) as ci_high,
    case when b.n > 0 and b.guess_rate < 1
        then greatest(0.0, (b.successes / b.n - b.guess_rate) / (1 - b.guess_rate))
    end as guess_corrected,
    e.first_success, e.solved, e.iterations as search_iterations, e.model_calls as search_calls,
    k.blind_rate,
    b.mean_completion_tokens, b.last_asked
from bounds b
left join policies p on p.policy_id = b.policy_id
left join beta_quantiles q on q.n = b.n and q.successes = b.successes
left join search_effort e on e.sample_id = b.sample_id and e.policy_id = b.policy_id
    and e.template_id = b.template_id and e.reward_id = b.reward_id
left join blind_rate k on k.sample_id = b.sample_id and k.policy_id = b.policy_id
    and k.template_id = b.template_id and k.sampling_id = b.sampling_id
    and k.reward_id = b.reward_id;

-- Originals that ask one question and give different answers.
create or replace view conflicts as
select
    question_id, count(*)::integer as answers,
    list(sample_id order by sample_id) as sample_ids,
    list(answer::varchar order by sample_id) as given_answers,
    list(corpus order by sample_id) as corpora
from samples where history is null
group by question_id having count(*) > 1;

-- Which samples must stay on one side of a split: a parent, its views and its siblings.
create or replace view families as
select coalesce(p.parent_id, s.parent_id, s.sample_id) as family_id, s.sample_id, s.parent_id,
    s.history is not null as is_view, s.recipe
from samples s left join samples p on p.sample_id = s.parent_id;

-- Every split in which a sample was seen; a sample seen in any test split is test.
create or replace view sample_splits as
with own as (select sample_id, list(distinct split order by split) as splits from sources group by all),
family as (
    select f.sample_id, list(distinct s.split order by s.split) as splits
    from families f join families g using (family_id) join sources s on s.sample_id = g.sample_id
    group by all
)
select f.sample_id, coalesce(o.splits, f.splits) as splits,
    case when list_contains(f.splits, 'test') then 'test'
         when list_contains(f.splits, 'validation') then 'validation'
         else 'train' end as split
from family f left join own o using (sample_id);

-- What a run did to each sample: its answers at the start of the run against those at the end.
create or replace view learning as
with steps as (
    select r.origin as run_id, r.sample_id, r.policy_id, r.step, r.policy_version, r.correct, r.reward,
        r.advantage, r.completion_tokens
    from graded r where r.purpose = 'train'
)
select
    run_id, sample_id, any_value(policy_id) as policy_id,
    count(*)::integer as n, count(*) filter (correct)::integer as successes,
    min(step) as first_step, max(step) as last_step, max(policy_version) as last_policy_version,
    avg(correct::integer) filter (step = first_of_sample) as first_pass_rate,
    avg(correct::integer) filter (step = last_of_sample) as last_pass_rate,
    avg(abs(advantage)) as mean_abs_advantage
from (
    select *, min(step) over w as first_of_sample, max(step) over w as last_of_sample
    from steps window w as (partition by run_id, sample_id)
)
group by run_id, sample_id;

-- Planned order against the order that training really saw, within the first pass.
create or replace view honoured as
with seen as (
    select origin as run_id, sample_id, min(step) as first_step, count(distinct step) as steps
    from rollout_status where purpose = 'train' and not superseded group by all
)
select r.run_id, d.dataset, d.version, d.position, d.stage, d.sample_id, d.padded,
    s.first_step, coalesce(s.steps, 0)::integer as times_seen, s.first_step is null as never_seen
from runs r
join dataset_samples d using (dataset, version)
left join seen s on s.run_id = r.run_id and s.sample_id = d.sample_id
where d.split = 'train';

-- What a plan's `where` speaks about: every sample, with the facts to choose by.
create or replace view candidates as
with seen as (select sample_id, list(distinct corpus order by corpus) as corpora from sources group by all)
select s.sample_id, s.question_id, f.family_id, s.parent_id, f.is_view, s.recipe,
    s.corpus, coalesce(own.corpora, parents.corpora, [s.corpus]) as corpora,
    s.task, s.modality, s.tags, s.question, s.answer, s.answer_kind, s.guess_rate,
    len(s.steps)::integer as n_steps, s.licence, p.split, p.splits,
    c.question_id is not null as conflicting    -- it, or what it is a view of, has a rival answer
from samples s
join families f using (sample_id)
left join sample_splits p using (sample_id)
left join seen own on own.sample_id = s.sample_id
left join seen parents on parents.sample_id = s.parent_id
left join samples o on o.sample_id = case when f.is_view then s.parent_id else s.sample_id end
left join conflicts c on c.question_id = o.question_id;
