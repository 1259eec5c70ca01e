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

-- Search effort per sample and policy: the latest search that was not given up.
create or replace view search_effort as
select * exclude (newest) from (
    select s.*, row_number() over (
        partition by sample_id, policy_id, template_id, sampling_id, reward_id
        order by s.created_at desc, s.unit_id
    ) as newest
    from searches s join units u using (unit_id)
    where s.attempt = u.attempt and s.solved is not null
) where newest = 1;

-- What the latest search in `value` mode learned of each beginning of an answer.
create or replace view step_values as
with latest as (
    select s.unit_id, s.sample_id, s.policy_id, s.template_id, s.sampling_id, s.reward_id, s.created_at
    from searches s join units u using (unit_id)
    where s.attempt = u.attempt and s.mode = 'value' and s.solved is not null
    qualify row_number() over (
        partition by s.sample_id, s.policy_id, s.template_id, s.sampling_id, s.reward_id
        order by s.created_at desc, s.unit_id
    ) = 1
)
select n.sample_id, n.policy_id, n.template_id, n.sampling_id, n.reward_id,
    n.prefix, n.depth, n.value_sum / n.visits as value, n.visits, n.terminal,
    l.created_at as searched_at
from search_nodes n
join latest l using (unit_id, sample_id, policy_id, template_id, sampling_id, reward_id)
where n.visits > 0;

-- How often the question is answered right with its media blanked or withheld; where both were
-- asked, whichever has more answers.
create or replace view blind_rate as
with counts as (
    select sample_id, policy_id, template_id, sampling_id, reward_id,
        coalesce(view->>'$.blind', 'withheld') as showing,
        count(correct)::integer as n, count(*) filter (correct)::integer as successes
    from graded where purpose = 'blind' group by all
),
most as (
    from counts qualify row_number() over (
        partition by sample_id, policy_id, template_id, sampling_id, reward_id
        order by n desc, showing
    ) = 1
),
bounds as (
    select m.*, s.guess_rate, (successes + 0.5) / (n + 1.0) as posterior_mean,
        sqrt((successes + 0.5) * (n - successes + 0.5) / ((n + 1.0) * (n + 1.0) * (n + 2.0))) as sd
    from most m left join samples s using (sample_id)
)
select b.sample_id, b.policy_id, b.template_id, b.sampling_id, b.reward_id, b.showing,
    b.n, b.successes, case when b.n > 0 then b.successes / b.n end as blind_rate, b.posterior_mean,
    coalesce(q.low, greatest(0.0, b.posterior_mean - 1.959964 * b.sd)) as ci_low,
    coalesce(q.high, least(1.0, b.posterior_mean + 1.959964 * b.sd)) as ci_high,
    case when b.n > 0 and b.guess_rate < 1
        then greatest(0.0, (b.successes / b.n - b.guess_rate) / (1 - b.guess_rate))
    end as guess_corrected
from bounds b left join beta_quantiles q on q.n = b.n and q.successes = b.successes;

-- Who came before whom: the policy that a run started from, and an earlier one of the same name.
create or replace view predecessors as
with recursive steps as (
    select trained_policy_id as policy_id, policy_id as earlier_id from runs
    where trained_policy_id <> policy_id
    union
    select p.policy_id, e.policy_id from policies p join policies e
        on e.name = p.name and e.kind = p.kind and e.first_seen < p.first_seen
),
chain as (
    from steps
    union
    select c.policy_id, s.earlier_id from chain c join steps s on s.policy_id = c.earlier_id
)
select distinct policy_id, earlier_id from chain where policy_id <> earlier_id;

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
),
replaced_policies as (
    select e.policy_id as earlier_id from policies p join policies e
        on e.name = p.name and e.kind = p.kind and e.first_seen < p.first_seen
),
replaced_templates as (
    select e.template_id as earlier_id from templates t join templates e
        on e.name = t.name and e.version < t.version
),
versions as (
    select distinct reward_id, split_part(reward_id, '@', 1) as name,
        try_cast(regexp_extract(reward_id, '@([0-9]+)', 1) as integer) as version
    from counts
),
replaced_rewards as (
    select e.reward_id as earlier_id from versions v join versions e
        on e.name = v.name and e.version < v.version
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
    b.mean_completion_tokens, b.last_asked,
    -- A newer policy of this name, wording of this template or version of this reward is known.
    b.policy_id in (select earlier_id from replaced_policies)
        or b.template_id in (select earlier_id from replaced_templates)
        or b.reward_id in (select earlier_id from replaced_rewards) as stale
from bounds b
left join policies p on p.policy_id = b.policy_id
left join beta_quantiles q on q.n = b.n and q.successes = b.successes
left join search_effort e on e.sample_id = b.sample_id and e.policy_id = b.policy_id
    and e.template_id = b.template_id and e.sampling_id = b.sampling_id
    and e.reward_id = b.reward_id
left join blind_rate k on k.sample_id = b.sample_id and k.policy_id = b.policy_id
    and k.template_id = b.template_id and k.sampling_id = b.sampling_id
    and k.reward_id = b.reward_id;

-- What looking is worth: the pass rate above guessing, plain less blind, with the 95% interval of
-- the difference of both posteriors (normal approximation). solvable_blind compares the rates
-- themselves; a plan judges by the posteriors (docs/probes.md).
create or replace view vision_gain as
with pairs as (
    select b.sample_id, b.policy_id, d.policy, b.template_id, b.sampling_id, b.reward_id, b.showing,
        b.n as blind_n, b.successes as blind_successes, b.blind_rate,
        d.n as plain_n, d.successes as plain_successes, d.pass_rate,
        d.guess_corrected as plain_corrected, b.guess_corrected as blind_corrected,
        (d.successes + 0.5) / (d.n + 1.0) - (b.successes + 0.5) / (b.n + 1.0) as gap,
        sqrt((d.successes + 0.5) * (d.n - d.successes + 0.5) / ((d.n + 1.0) ** 2 * (d.n + 2.0))
            + (b.successes + 0.5) * (b.n - b.successes + 0.5) / ((b.n + 1.0) ** 2 * (b.n + 2.0))) as sd,
        1 - s.guess_rate as scale
    from blind_rate b join difficulty d
        using (sample_id, policy_id, template_id, sampling_id, reward_id)
    join samples s using (sample_id)
    where b.n > 0 and d.n > 0 and s.guess_rate < 1
)
select * exclude (gap, sd, scale), plain_corrected - blind_corrected as vision_gain,
    (gap - 1.959964 * sd) / scale as gain_low, (gap + 1.959964 * sd) / scale as gain_high,
    blind_corrected > 0.05 and blind_corrected >= plain_corrected - 0.05 as solvable_blind
from pairs;

-- Whether right answers survive when the options move. consistency: share of (plain, shuffled)
-- pairs of answers that are right or wrong alike; rate_drop: the pass rate above guessing, plain
-- less shuffled, with the 95% interval of the difference of both posteriors.
create or replace view shuffle_consistency as
with counts as (
    select sample_id, policy_id, template_id, sampling_id, reward_id,
        count(distinct view::varchar)::integer as permutations,
        count(correct)::integer as n, count(*) filter (correct)::integer as successes
    from graded where purpose = 'shuffle' group by all
),
pairs as (
    select c.*, d.policy, d.n as plain_n, d.successes as plain_successes, d.pass_rate,
        c.successes / c.n as shuffled_rate,
        (d.successes + 0.5) / (d.n + 1.0) - (c.successes + 0.5) / (c.n + 1.0) as gap,
        sqrt((d.successes + 0.5) * (d.n - d.successes + 0.5) / ((d.n + 1.0) ** 2 * (d.n + 2.0))
            + (c.successes + 0.5) * (c.n - c.successes + 0.5) / ((c.n + 1.0) ** 2 * (c.n + 2.0))) as sd,
        1 - s.guess_rate as scale
    from counts c join difficulty d
        using (sample_id, policy_id, template_id, sampling_id, reward_id)
    join samples s using (sample_id)
    where c.n > 0 and d.n > 0 and s.guess_rate < 1
)
select sample_id, policy_id, policy, template_id, sampling_id, reward_id, permutations,
    n, successes, shuffled_rate, plain_n, plain_successes, pass_rate,
    pass_rate * shuffled_rate + (1 - pass_rate) * (1 - shuffled_rate) as consistency,
    (pass_rate - shuffled_rate) / scale as rate_drop,
    (gap - 1.959964 * sd) / scale as drop_low, (gap + 1.959964 * sd) / scale as drop_high
from pairs;

-- How often a policy is right by the letter behind which the right option stood, over the samples
-- that were asked with shuffled options, each counting once; for who knows, letters are alike.
create or replace view letter_bias as
with probed as (
    select distinct sample_id, policy_id, template_id, sampling_id
    from rollout_status where purpose = 'shuffle' and not superseded
),
asked as (
    select g.sample_id, g.policy_id, g.template_id, g.sampling_id, g.reward_id, g.correct,
        len(json_extract_string(s.answer, '$.options[*]')) as options,
        ascii(json_extract_string(s.answer, '$.value')) - 65 as own,
        coalesce((g.view->'$.options')::integer[], range(26)::integer[]) as places
    from graded g join samples s using (sample_id)
    semi join probed using (sample_id, policy_id, template_id, sampling_id)
    where g.purpose in ('score', 'shuffle') and g.correct is not null and s.answer_kind = 'choice'
),
rates as (
    select * exclude (correct, own, places),
        chr((list_position(places, own) + 64)::integer) as letter,
        count(*) as n, avg(correct::integer) as pass_rate
    from asked group by all
)
select policy_id, template_id, sampling_id, reward_id, options, letter,
    count(*)::integer as samples, sum(n)::integer as n, avg(pass_rate) as pass_rate
from rates group by all;

-- A sample beside its twins: the same, asked with one transform (purpose `invariance`). overridden:
-- the label table was overridden to make the twin.
create or replace view twins as
with asked as (
    select sample_id, policy_id, template_id, sampling_id, reward_id, correct,
        json_extract_string(view, '$.history[0].name') as transform,
        json_extract_string(view, '$.history[0].version')::integer as version,
        coalesce((view->>'$.overridden')::boolean, false) as overridden
    from graded where purpose = 'invariance' and correct is not null
),
rates as (
    select * exclude (correct), count(*)::integer as n,
        count(*) filter (correct)::integer as successes
    from asked group by all
)
select t.sample_id, s.task, t.policy_id, p.name as policy, t.template_id, t.sampling_id, t.reward_id,
    t.transform, t.version, t.overridden, c.n as clean_n, c.successes as clean_successes,
    t.n as twin_n, t.successes as twin_successes,
    t.successes / t.n - c.successes / c.n as difference
from rates t
join rates c using (sample_id, policy_id, template_id, sampling_id, reward_id)
join samples s using (sample_id)
left join policies p on p.policy_id = t.policy_id
where t.transform is not null and c.transform is null;

-- What a transform does to the answers of a task: the mean over samples of twin less clean, each
-- sample counting once, with 95% confidence (one pair that gains all and one that loses all are
-- added: Bonett and Price, 2012).
create or replace view invariance as
with sums as (
    select task, transform, version, overridden, policy_id, policy, template_id, sampling_id,
        reward_id, count(*)::integer as pairs,
        sum(clean_n)::integer as clean_n, sum(twin_n)::integer as twin_n,
        avg(clean_successes / clean_n) as clean_rate, avg(twin_successes / twin_n) as twin_rate,
        avg(difference) as difference, sum(difference) / (count(*) + 2) as middle,
        (sum(difference * difference) + 2) / (count(*) + 2) as squares
    from twins group by all
),
spread as (select *, 1.959964 * sqrt((squares - middle * middle) / (pairs + 2)) as half from sums)
select * exclude (middle, squares, half),
    greatest(-1.0, middle - half) as ci_low, least(1.0, middle + half) as ci_high
from spread;

-- Thinking against answering directly on the same samples (purpose `think`), by task. gain: the mean
-- over samples of thinking less direct, with the interval of `invariance`. mode: `direct` where the
-- whole interval lies below the three points that thinking must bring to be worth its tokens;
-- else `think` where it lies above 0; else `undecided`.
create or replace view think_modes as
with rates as (
    select sample_id, policy_id, sampling_id, reward_id, template_id,
        (view->>'$.thinking')::boolean as thinking, count(correct) as n,
        avg(correct::integer) as rate, avg(completion_tokens) as tokens,
        avg((finish_reason = 'length')::integer) as cut
    from graded where purpose = 'think' group by all having count(correct) > 0
),
sums as (
    select s.task, t.policy_id, p.name as policy, t.sampling_id, t.reward_id,
        a.name as thinking_template, t.template_id as thinking_template_id,
        b.name as direct_template, d.template_id as direct_template_id,
        count(*)::integer as pairs, sum(t.n)::integer as thinking_n, sum(d.n)::integer as direct_n,
        avg(t.rate) as thinking_rate, avg(d.rate) as direct_rate,
        avg(t.tokens) as thinking_tokens, avg(d.tokens) as direct_tokens,
        avg(t.cut) as thinking_cut, avg(t.rate - d.rate) as gain,
        sum((t.rate - d.rate) ** 2) as squares
    from rates t
    join rates d using (sample_id, policy_id, sampling_id, reward_id)
    join samples s using (sample_id)
    left join policies p on p.policy_id = t.policy_id
    left join templates a on a.template_id = t.template_id
    left join templates b on b.template_id = d.template_id
    where t.thinking and not d.thinking
    group by all
),
spread as (
    select *, gain * pairs / (pairs + 2) as middle,
        1.959964 * sqrt(((squares + 2) / (pairs + 2) - middle * middle) / (pairs + 2)) as half
    from sums
)
select * exclude (middle, half),
    greatest(-1.0, middle - half) as ci_low, least(1.0, middle + half) as ci_high,
    case when middle + half < 0.03 then 'direct' when middle - half > 0 then 'think'
         else 'undecided' end as mode
from spread;

-- Who ever solved a sample: by scoring, search or imported evidence. A policy solved an open
-- question with one right answer; one that can be guessed only when the whole 95% interval of its
-- pass rate lies above guessing. Training is left out: it can learn a wrong label by heart.
create or replace view solving as
with solved as (
    select g.sample_id, g.policy_id
    from graded g join samples s using (sample_id)
    where g.purpose in ('score', 'search') and g.correct and s.guess_rate = 0
    union
    select e.sample_id, e.policy_id
    from search_effort e join samples s using (sample_id) where e.solved and s.guess_rate = 0
    union
    select d.sample_id, d.policy_id
    from difficulty d join samples s using (sample_id)
    where s.guess_rate > 0 and d.ci_low > s.guess_rate
),
solvers as (select sample_id, count(*)::integer as solved_by from solved group by sample_id)
select sample_id, count(distinct policy_id)::integer as policies,
    count(distinct rollout_id) filter (correct is not null)::integer as tries,
    coalesce(any_value(solved_by), 0) as solved_by, any_value(solved_by) is not null as ever_solved
from graded left join solvers using (sample_id)
where purpose in ('score', 'search')
group by sample_id;

-- What somebody tried and nobody ever solved: very hard, or wrongly labelled.
create or replace view unsolved as
select * exclude (solved_by, ever_solved) from solving where not ever_solved and tries > 0;

-- Samples whose record stands in a corpus: no later revision has changed or dropped it. A view
-- stands with what it was made from.
create or replace view standing as
select s.sample_id from samples s
semi join (select sample_id from sources where ended is null) o
    on o.sample_id = case when s.history is not null then s.parent_id else s.sample_id end;

-- Standing originals that ask one question and give different answers.
create or replace view conflicts as
select
    question_id, count(*)::integer as answers,
    list(sample_id order by sample_id) as sample_ids,
    list(answer::varchar order by sample_id) as given_answers,
    list(corpus order by sample_id) as corpora
from samples semi join standing using (sample_id) where history is null
group by question_id having count(*) > 1;

-- A parent, its siblings and their views, as the corpora have them.
create or replace view own_families as
select coalesce(p.parent_id, s.parent_id, s.sample_id) as family_id, s.sample_id, s.parent_id,
    s.history is not null as is_view, s.recipe
from samples s left join samples p on p.sample_id = s.parent_id;

-- Which samples must stay on one side of a split: families, joined where they hold duplicates.
create or replace view families as
select coalesce(j.joined_id, f.family_id) as family_id, f.* exclude (family_id)
from own_families f left join joined_families j using (family_id);

-- Every split in which a sample was seen, of a benchmark always `test`; a sample seen in any test
-- split is test, and so is its family.
create or replace view sample_splits as
with seen as (
    select s.sample_id, case when c.benchmark then 'test' else s.split end as split
    from sources s left join (from corpora where benchmark) c using (corpus)
),
own as (select sample_id, list(distinct split order by split) as splits from seen group by all),
family as (
    select f.sample_id, list(distinct s.split order by s.split) as splits
    from families f join families g using (family_id) join seen s on s.sample_id = g.sample_id
    group by all
)
select f.sample_id, coalesce(o.splits, f.splits) as splits,
    case when list_contains(f.splits, 'test') then 'test'
         when list_contains(f.splits, 'validation') then 'validation'
         else 'train' end as split
from family f left join own o using (sample_id);

-- The groups of training steps that count: a step that was done again after a kill left others
-- behind. visit: how often its row had been asked by then, counted apart for groups that only
-- filled a batch and for those that a buffer returned.
create or replace view counted_groups as
select g.*, row_number() over (
        partition by g.run_id, g.position, g.padded, g.came = 'replay' order by g.step, g.slot
    )::integer as visit
from train_groups g join units u using (unit_id)
where g.attempt = u.attempt;

-- What a run did to each sample. first_*, last_*: at the first and last step that graded it. recent_*:
-- an answer weighs 0.97 for every step of the run that came after it. alignment: LIMR's score (arXiv
-- 2502.11886), how near its pass rate followed the mean of all samples from visit to visit.
create or replace view learning as
with by_step as (
    select run_id, sample_id, step, any_value(unit_id) as unit_id, any_value(attempt) as attempt,
        count(*) as visits, count(*) filter (entered) as learned_from,
        sum(graded) as n, sum(successes) as successes,
        sum(noisy_graded) as noisy_n, sum(noisy_successes) as noisy_successes,
        sum(abs_advantage) as abs_advantage
    from counted_groups where came <> 'replay' group by run_id, sample_id, step
),
ends as (select run_id, max(step) as last_of_run from by_step group by run_id),
sums as (
    select run_id, sample_id, arg_max((unit_id, attempt), step) as last_unit,
        sum(visits)::integer as visits, max(visits)::integer as most_in_step,
        sum(learned_from)::integer as learned_from,
        sum(n)::integer as n, sum(successes)::integer as successes,
        sum(noisy_n)::integer as noisy_n, sum(noisy_successes)::integer as noisy_successes,
        min(step) as first_step, max(step) as last_step,
        -- Answers are drawn just before the update that learns from them.
        max(step) - 1 as last_policy_version, max(last_of_run) - max(step) as age_steps,
        arg_min(n, step) filter (n > 0) as first_n, arg_max(n, step) filter (n > 0) as last_n,
        arg_min(successes, step) filter (n > 0) as first_successes,
        arg_max(successes, step) filter (n > 0) as last_successes,
        sum(n * 0.97 ** (last_of_run - step)) as recent_n,
        sum(successes * 0.97 ** (last_of_run - step)) as recent_successes,
        sum(abs_advantage) / sum(visits) as mean_abs_advantage
    from by_step join ends using (run_id) group by run_id, sample_id
),
rates as (
    select run_id, sample_id, visit, sum(successes) / sum(graded) as rate
    from counted_groups where came <> 'replay' and not padded and graded > 0 group by all
),
means as (select run_id, visit, avg(rate) as mean_rate from rates group by all),
alignments as (
    select run_id, sample_id, count(*)::integer as epochs,
        sum((rate - mean_rate) ** 2) as apart, sum((1 - mean_rate) ** 2) as room
    from rates join means using (run_id, visit) group by run_id, sample_id
),
replays as (
    select run_id, sample_id, count(*)::integer as replayed
    from counted_groups where came = 'replay' group by run_id, sample_id
)
select s.run_id, s.sample_id, r.policy_id, r.trained_policy_id, r.template_id,
    s.visits, s.most_in_step, s.learned_from, coalesce(p.replayed, 0) as replayed,
    s.n, s.successes, case when s.n > 0 then s.successes / s.n end as pass_rate,
    s.first_step, s.last_step, s.last_policy_version, s.age_steps, t.created_at as last_asked,
    s.first_n::integer as first_n, s.first_successes / s.first_n as first_pass_rate,
    s.last_n::integer as last_n, s.last_successes / s.last_n as last_pass_rate,
    s.recent_n, case when s.n > 0 then s.recent_successes / s.recent_n end as recent_rate,
    s.noisy_n, s.noisy_successes,
    case when s.noisy_n > 0 then s.noisy_successes / s.noisy_n end as noisy_rate,
    s.mean_abs_advantage, coalesce(a.epochs, 0) as epochs,
    -- Few visits say nothing, nor does a run in which every answer was right.
    case when a.epochs >= 3 and a.room > 1e-12 then 1 - a.apart / a.room end as alignment
from sums s
join runs r using (run_id)
left join alignments a on a.run_id = s.run_id and a.sample_id = s.sample_id
left join replays p on p.run_id = s.run_id and p.sample_id = s.sample_id
left join train_steps t on t.unit_id = s.last_unit[1] and t.attempt = s.last_unit[2];

-- Planned against seen order: each row of a run's dataset, and when training first asked it.
-- Ranks count within stage and lane, where order is exact; how lanes alternate is not compared.
-- out_of_place: it stands elsewhere among the planned rows than it was seen among them, or a later
-- stage had begun. A row that was first seen in another's place (`refill`) or only as filling has
-- no seen rank: it was seen, and not in the planned order.
create or replace view honoured as
with visits as (
    select run_id, position, count(*)::integer as times_seen,
        count(*) filter (padded)::integer as times_filling,
        min({'padded': padded, 'step': step, 'slot': slot, 'came': came}) as first
    from counted_groups where came <> 'replay' group by run_id, position
),
planned as (
    select r.run_id, d.dataset, d.version, d.position, d.stage,
        case when s.modality = 'text' then 'text' else 'media' end as lane, d.sample_id, d.padded
    from runs r
    join dataset_samples d using (dataset, version)
    join samples s using (sample_id)
    where d.split = 'train' and r.run_id in (select run_id from visits)
),
seen as (
    select p.*, v.first.step as first_step, v.first.slot as first_slot,
        case when v.first.padded then 'filling' else v.first.came end as came,
        coalesce(v.times_seen, 0) as times_seen, coalesce(v.times_filling, 0) as times_filling,
        coalesce(v.first.came = 'planned' and not v.first.padded, false) as in_order
    from planned p left join visits v using (run_id, position)
),
ranked as (
    select *,
        row_number() over (partition by run_id, stage, lane order by position) as planned_rank,
        row_number() over (partition by run_id, stage, lane, in_order order by position) as due,
        row_number() over (
            partition by run_id, stage, lane, in_order order by first_step, first_slot
        ) as place,
        max(stage) over (partition by run_id, in_order order by first_step, first_slot) as reached
    from seen
)
select run_id, dataset, version, position, stage, lane, sample_id, padded,
    planned_rank::integer as planned_rank, first_step, first_slot, came,
    case when in_order then place::integer end as seen_rank,
    in_order and (place <> due or stage < reached) as out_of_place,
    first_step is null as never_seen, times_seen, times_filling
from ranked;

-- How true each run was to its order. exact: no row was left out, and none stood elsewhere.
create or replace view run_orders as
with rows_of_run as (
    select run_id, dataset, version, count(*)::integer as rows_planned,
        count(*) filter (not never_seen)::integer as rows_seen,
        count(*) filter (never_seen)::integer as never_seen,
        count(*) filter (out_of_place)::integer as out_of_place,
        count(*) filter (came <> 'planned')::integer as first_seen_otherwise
    from honoured group by all
),
groups_of_run as (
    select run_id, max(step) as steps, count(*)::integer as groups,
        count(*) filter (padded)::integer as filling,
        count(*) filter (came = 'refill')::integer as refilled,
        count(*) filter (came = 'replay')::integer as replayed,
        count(*) filter (not entered)::integer as not_entered
    from counted_groups group by run_id
)
select r.*, g.* exclude (run_id),
    never_seen = 0 and out_of_place = 0 and first_seen_otherwise = 0 as exact
from rows_of_run r join groups_of_run g using (run_id);

-- The share of groups without signal that was predicted when a dataset froze, against that of the
-- first group of answers to each of its rows: all right or all wrong, plain and noisy together.
create or replace view signal_forecasts as
with first_groups as (
    select run_id, graded + coalesce(noisy_graded, 0) as n,
        successes + coalesce(noisy_successes, 0) as right_ones, abs_advantage
    from counted_groups where visit = 1 and not padded and came <> 'replay'
),
shares as (
    select run_id, count(*)::integer as groups, avg(n) as mean_answers,
        avg((right_ones = n)::integer) as all_right, avg((right_ones = 0)::integer) as all_wrong,
        avg((abs_advantage <= 1e-3)::integer) as equal_rewards
    from first_groups where n > 0 group by run_id
)
select r.run_id, r.dataset, r.version, d.n_rows as rows_planned, s.groups,
    (d.manifest->>'$.completions')::integer as predicted_for, s.mean_answers,
    d.predicted_zero_advantage,
    (d.manifest->>'$.predicted_low')::double as predicted_low,
    (d.manifest->>'$.predicted_high')::double as predicted_high,
    (d.manifest->>'$.predicted_all_right')::double as predicted_all_right,
    (d.manifest->>'$.predicted_all_wrong')::double as predicted_all_wrong,
    s.all_right + s.all_wrong as zero_advantage, s.all_right, s.all_wrong, s.equal_rewards
from shares s join runs r using (run_id)
join datasets d on d.dataset = r.dataset and d.version = r.version;

-- Pairs that ask the same of the same picture in other words or bytes, and are answered otherwise.
create or replace view near_conflicts as
select a.sample_id as a_id, b.sample_id as b_id, a.question, a.answer as a_answer,
    b.answer as b_answer, l.how, l.picture_distance
from alike l
join samples a on a.sample_id = l.a_id
join samples b on b.sample_id = l.b_id
semi join standing s on s.sample_id = a.sample_id
semi join standing t on t.sample_id = b.sample_id
where l.verdict = 'conflict';

-- What repeats a sample that still stands.
create or replace view repeated as
select d.* from duplicates d semi join standing s on s.sample_id = d.keeper_id;

-- The benchmark that a family leaks: what was made of a leaked sample leaks it, too.
create or replace view leaked_families as
select f.family_id, min(l.benchmark) as benchmark
from leaks l join families f using (sample_id) where l.verdict = 'leak' group by all;

-- Samples that show a medium that is gone or damaged.
create or replace view quarantined as
select m.sample_id, q.media_id, q.reason, q.found_at
from quarantine q join sample_media m using (media_id);

-- What a plan's `where` speaks about: every standing sample, with the facts to choose by.
create or replace view candidates as
with seen as (select sample_id, list(distinct corpus order by corpus) as corpora from sources group by all)
select s.sample_id, s.question_id, f.family_id, s.parent_id, f.is_view, s.recipe,
    s.corpus, coalesce(own.corpora, parents.corpora, [s.corpus]) as corpora,
    s.task, s.modality, s.tags, s.question, s.answer, s.answer_kind, s.guess_rate,
    len(s.steps)::integer as n_steps, s.licence, p.split, p.splits,
    -- It, or what it is a view of, has a rival answer; repeats one that stays; repeats a benchmark;
    -- shows a picture of a benchmark under another question.
    c.question_id is not null or n.sample_id is not null as conflicting,
    d.keeper_id as duplicate_of, k.benchmark as leak, q.benchmark as same_picture_as
from samples s
semi join standing t on t.sample_id = s.sample_id
anti join quarantined g on g.sample_id = s.sample_id
join families f using (sample_id)
left join sample_splits p using (sample_id)
left join seen own on own.sample_id = s.sample_id
left join seen parents on parents.sample_id = s.parent_id
left join samples o on o.sample_id = case when f.is_view then s.parent_id else s.sample_id end
left join conflicts c on c.question_id = o.question_id
left join (select a_id as sample_id from near_conflicts union select b_id from near_conflicts) n
    on n.sample_id = o.sample_id
left join repeated d on d.sample_id = o.sample_id
left join leaked_families k on k.family_id = f.family_id
left join (
    select sample_id, min(benchmark) as benchmark from leaks where verdict = 'same picture' group by all
) q on q.sample_id = o.sample_id;
