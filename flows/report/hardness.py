"""How hard the samples are for each policy: a histogram with intervals, and every task's mean.

Bars count samples by the share of right answers. What is unknown of a pass rate is its posterior
Beta(k + a, n - k + b), with a and b fitted to the task as the forecast of a plan fits them; the
samples that truly lie in a bin are then a sum of independent chances, and the interval is its mean
and 1.96 standard deviations of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from flows.report.intake import rows
from flows.report.scope import FrozenSet
from pipelines.catalog.catalog import Connection
from pipelines.curation.kinds import Kind
from pipelines.curation.prediction import Prior, pool_priors

BINS = 10
MOST_POLICIES = 4
"""Policies that are shown, those that answered about most samples first."""
Z = 1.959964
"""Standard deviations of a 95% interval."""

# Of several ways in which a policy was asked about a sample, that with most answers.
BEST = """
select sample_id, policy_id, policy, n, successes, pass_rate, ci_low, ci_high, blind_rate,
    solved, first_success, stale
from difficulty where n > 0
qualify row_number() over (
    partition by sample_id, policy_id order by n desc, template_id, sampling_id, reward_id
) = 1
"""
_RATES = f"""
with kept as (
    select distinct sample_id from dataset_samples
    where list_contains($sets, dataset || '@' || version)
)
select b.policy_id, coalesce(b.policy, left(b.policy_id, 12)) as policy, s.task, b.n, b.successes,
    k.sample_id is not null as kept, count(*)::bigint as samples
from ({BEST}) b join samples s using (sample_id) left join kept k using (sample_id)
group by all order by all
"""

Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Samples whose pass rate lies between two bounds, the upper one only in the last bin."""

    low: float
    high: float
    kept: int
    """Of them in the set."""
    others: int
    expected: float
    """How many there would be if every pass rate were known, by the posteriors."""
    expected_low: float
    expected_high: float


@dataclass(frozen=True, slots=True)
class TaskRate:
    """The mean pass rate of a task's samples, with the 95% interval of the mean."""

    task: str
    samples: int
    kept: int
    answers: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Hardness:
    """How hard samples are for one policy."""

    policy: str
    policy_id: str
    samples: int
    answers: int
    bins: Sequence[Bin]
    tasks: Sequence[TaskRate]


def read_hardness(
    connection: Connection, sets: Sequence[FrozenSet]
) -> tuple[list[Hardness], list[str]]:
    """Sum up the evidence of each policy; give the names of those that are not shown, too."""
    labels = [one.label for one in sets if one.kind == "curated"]
    by_policy: dict[str, list[dict[str, Any]]] = {}
    for row in rows(connection, _RATES, sets=labels):
        by_policy.setdefault(row["policy_id"], []).append(row)
    found = sorted(
        (_hardness(policy_id, of_policy) for policy_id, of_policy in by_policy.items()),
        key=lambda one: (-one.samples, one.policy, one.policy_id),
    )
    return found[:MOST_POLICIES], [one.policy for one in found[MOST_POLICIES:]]


def _hardness(policy_id: str, found: Sequence[dict[str, Any]]) -> Hardness:
    names = sorted({row["task"] for row in found})
    return Hardness(
        policy=found[0]["policy"],
        policy_id=policy_id,
        samples=sum(row["samples"] for row in found),
        answers=sum(row["samples"] * row["n"] for row in found),
        bins=_bins(found),
        tasks=[_task(name, [row for row in found if row["task"] == name]) for name in names],
    )


def _bins(found: Sequence[dict[str, Any]]) -> list[Bin]:
    from scipy.special import betainc

    n, right, samples = (_column(found, name) for name in ("n", "successes", "samples"))
    a, b = np.array(_priors(found)).T
    kept = np.array([row["kept"] for row in found], bool)
    edges = np.linspace(0, 1, BINS + 1)
    places = np.minimum((right * BINS / n + 1e-9).astype(int), BINS - 1)
    below: Numbers = betainc((right + a)[:, None], (n - right + b)[:, None], edges)
    inside = np.diff(below, axis=1)
    mean = samples @ inside
    half = Z * np.sqrt(samples @ (inside * (1 - inside)))
    inside_set, outside = (
        np.bincount(places[mask], samples[mask], BINS).astype(int).tolist()
        for mask in (kept, ~kept)
    )
    return [
        Bin(
            low=float(edges[i]),
            high=float(edges[i + 1]),
            kept=inside_set[i],
            others=outside[i],
            expected=float(mean[i]),
            expected_low=max(0.0, float(mean[i] - half[i])),
            expected_high=float(mean[i] + half[i]),
        )
        for i in range(BINS)
    ]


def _priors(found: Sequence[dict[str, Any]]) -> list[Prior]:
    kinds = [
        Kind(
            task=row["task"],
            modality="",
            answer_kind="",
            guess_rate=0.0,
            tries=row["n"],
            successes=row["successes"],
        )
        for row in found
    ]
    return pool_priors(kinds, [row["samples"] for row in found])


def _task(task: str, found: Sequence[dict[str, Any]]) -> TaskRate:
    n, right, samples = (_column(found, name) for name in ("n", "successes", "samples"))
    rates, total = right / n, float(samples.sum())
    mean = float(samples @ rates / total)
    # Two samples are added, one solved and one not, so that few alike samples seem not sure.
    widened = (total * mean + 1) / (total + 2)
    squares = float(samples @ (rates**2) + 1) / (total + 2)
    half = Z * float(np.sqrt(max(0.0, squares - widened**2) / (total + 2)))
    return TaskRate(
        task=task,
        samples=int(total),
        kept=sum(row["samples"] for row in found if row["kept"]),
        answers=int(samples @ n),
        mean=mean,
        low=max(0.0, min(mean, widened - half)),
        high=min(1.0, max(mean, widened + half)),
    )


def _column(found: Sequence[dict[str, Any]], name: str) -> Numbers:
    return np.array([row[name] for row in found], np.float64)
