"""The sets that a policy is measured on: samples, and how each is shown.

`noisy` and `blind` hold the samples of `held-out` that have media, so that each can be compared
with it sample by sample (PAPO, arXiv 2507.06448: what is right without looking is not seen).
`retention` holds what the policy could do before and is not trained on: what training breaks
shows there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pipelines.catalog import Catalog
from pipelines.catalog.allowed import require_expression
from pipelines.catalog.guarded import BadQuery, guarded
from pipelines.catalog.samples import load_samples
from pipelines.policies.showing import View
from pipelines.record.sample import Sample
from pipelines.workspace import Workspace, WrongUse
from train.evaluation.settings import HELD_OUT, EvaluationSettings
from train.noisy import noisy_view

_HELD_OUT = """
select sample_id from (from candidates where split = 'test' and not is_view and not conflicting)
where (
{where}
) order by md5(sample_id || '{seed}'), sample_id limit {limit}
"""
# Evidence and samples as they were when the dataset froze, so that the set stays what it is.
_RETENTION = """
with frozen as (
    select created_at from datasets where dataset = $dataset and version = $version
),
trained as (
    select distinct f.family_id, s.task
    from dataset_samples d join families f using (sample_id) join samples s using (sample_id)
    where d.dataset = $dataset and d.version = $version
),
rates as (
    select g.sample_id, count(g.correct) as n, count(*) filter (g.correct) as successes
    from graded g, frozen
    where g.purpose = 'score' and g.policy_id = $policy and g.created_at <= frozen.created_at
    group by g.sample_id, g.reward_id
),
solved as (
    select r.sample_id from rates r join samples s using (sample_id)
    left join beta_quantiles q on q.n = r.n and q.successes = r.successes
    where r.n >= $tries and r.successes >= 0.75 * r.n and coalesce(q.low, 0.7) > s.guess_rate
)
select c.sample_id
from candidates c join samples s using (sample_id), frozen
where not c.is_view and not c.conflicting and s.created_at <= frozen.created_at
    and c.family_id not in (select family_id from trained)
    and (
        c.sample_id in (from solved)
        or (c.split = 'test' and c.task not in (select task from trained))
    )
order by md5(c.sample_id || $seed), c.sample_id limit $limit
"""
TRIES = 4
"""Answers that it takes to say that a policy could do a sample."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSet:
    """Samples to be measured on, each as it is or under a view."""

    name: str = HELD_OUT
    samples: Sequence[Sample]
    views: Mapping[str, View] = field(default_factory=dict)
    """By sample id; those that are not in it are shown as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What `retention` is about: a dataset, and the policy that it is to be trained with."""

    dataset: str
    version: int
    policy_id: str


def held_out(workspace: Workspace, where: str, limit: int, seed: int) -> list[Sample]:
    """Pick test samples that satisfy a condition on `candidates`, the same ones for a seed.

    Views are left out, and questions with rival answers. Raises WrongUse when the condition is wrong.
    """
    query = _HELD_OUT.format(where=where or "true", seed=int(seed), limit=int(limit))
    try:
        require_expression(where or "true")
        table = guarded(workspace.catalog, query)
    except BadQuery as error:
        raise WrongUse(f"held-out samples where {where!r}: {error}") from error
    return load_samples(workspace.catalog, table["sample_id"].to_pylist())


def retention(catalog: Catalog, before: Before, limit: int, seed: int) -> list[Sample]:
    """Pick samples outside a dataset that tell whether training on it made the policy forget.

    Test samples of tasks that the dataset lacks, and samples of any split that the policy had
    solved when the dataset froze: three of four answers right, surely above guessing. No sample
    is of a family that is trained on. They are chosen by earlier answers than those that measure,
    so that a difference between two policies is not biased by the choice.
    """
    parameters = {
        "dataset": before.dataset,
        "version": before.version,
        "policy": before.policy_id,
        "tries": TRIES,
        "seed": str(seed),
        "limit": limit,
    }
    with catalog.read() as connection:
        rows = connection.execute(_RETENTION, parameters).fetchall()
    return load_samples(catalog, [row[0] for row in rows])


def before_of(catalog: Catalog, policy_id: str, dataset: str | None = None) -> Before | None:
    """What was before a policy was trained: its newest run says so, or a dataset that is named.

    A policy that no run made has nobody before it but itself. Raises WrongUse for a dataset that
    there is not; None where nothing says what is trained on.
    """
    run = catalog.rows(
        "select dataset, version, policy_id from runs where trained_policy_id = ? "
        "order by started_at desc limit 1",
        policy_id,
    )
    if dataset is None:
        return Before(**run[0]) if run else None
    name, _, version = dataset.partition("@")
    found = catalog.rows(
        "select dataset, version from datasets where dataset = ? "
        "and (? = '' or version::varchar = ?) order by version desc limit 1",
        *(name, version, version),
    )
    if not found:
        raise WrongUse(f"there is no dataset {dataset!r}; `curricle status` lists them")
    return Before(**found[0], policy_id=run[0]["policy_id"] if run else policy_id)


def measured_sets(
    workspace: Workspace,
    settings: EvaluationSettings,
    *,
    where: str,
    limit: int,
    seed: int,
    before: Before | None = None,
) -> tuple[MeasuredSet, ...]:
    """Give the sets that are wanted and hold anything; a `limit` of 0 wants none.

    Raises WrongUse for `retention` when nothing says what was trained on.
    """
    if not limit:
        return ()
    found = []
    samples = held_out(workspace, where, limit, seed) if {*settings.sets} - {"retention"} else []
    for name in dict.fromkeys(settings.sets):
        if name == HELD_OUT:
            found.append(MeasuredSet(samples=samples))
        elif name == "noisy":
            found.append(noisy(samples, settings.noise, seed))
        elif name == "blind":
            found.append(blind(samples, settings.blind))
        elif before is None:
            raise WrongUse(
                "the set 'retention' holds what a dataset does not train; name it with `--dataset`"
            )
        else:
            kept = retention(workspace.catalog, before, settings.retention_samples, seed)
            found.append(MeasuredSet(name=name, samples=kept))
    return tuple(one for one in found if one.samples)


def noisy(samples: Sequence[Sample], noise: int, seed: int) -> MeasuredSet:
    """Show samples under noise that no training step draws; those without media are left out."""
    made = {one.sample_id: noisy_view(one, noise, "evaluation", seed) for one in samples}
    return _shown("noisy", samples, {key: view for key, view in made.items() if view is not None})


def blind(samples: Sequence[Sample], how: str) -> MeasuredSet:
    """Show samples without their media; those that have none are left out."""
    return _shown("blind", samples, {one.sample_id: {"blind": how} for one in samples if one.media})


def _shown(name: str, samples: Sequence[Sample], views: Mapping[str, View]) -> MeasuredSet:
    shown = [sample for sample in samples if sample.sample_id in views]
    return MeasuredSet(name=name, samples=shown, views=views)
