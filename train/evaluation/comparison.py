"""Two policies on the same samples under the same showing: what the second gains over the first."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.catalog import Catalog
from train.evaluation.intervals import FEWEST, paired_bootstrap
from train.evaluation.measure import Evaluation

_PAIRS = """
with counts as (
    select origin, sample_id, coalesce(view::varchar, '') as shown,
        count(correct)::integer as n, count(*) filter (correct)::integer as successes
    from graded where purpose = 'eval' and origin in ($first, $second) group by all
    having count(correct) > 0
)
select sample_id, s.task, a.n as first_n, a.successes as first_successes,
    b.n as second_n, b.successes as second_successes
from counts a join counts b using (sample_id) join samples s using (sample_id)
where a.origin = $first and b.origin = $second and (a.shown = b.shown or $any_view)
order by sample_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """How much more often the second policy is right, over the same samples."""

    samples: int
    first: float
    second: float
    difference: float
    low: float | None
    high: float | None
    """95% bootstrap over samples, paired; None where these are too few for one."""

    @property
    def sure(self) -> bool:
        """Whether the interval leaves out no difference at all."""
        return self.low is not None and self.high is not None and not self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Two policies on one set."""

    set_name: str
    first_policy: str
    second_policy: str
    over_all: Difference
    by_task: dict[str, Difference]


def compare(catalog: Catalog, first: Evaluation, second: Evaluation) -> Comparison:
    """Pair two evaluations by sample; what only one of them asked does not count."""
    rows = _pairs(catalog, first, second, any_view=False)
    by_task = defaultdict[str, list[Mapping[str, Any]]](list)
    for row in rows:
        by_task[row["task"]].append(row)
    return Comparison(
        set_name=second.set_name,
        first_policy=first.policy_id,
        second_policy=second.policy_id,
        over_all=difference_of(rows),
        by_task={task: difference_of(of_task) for task, of_task in sorted(by_task.items())},
    )


def across_views(catalog: Catalog, first: Evaluation, second: Evaluation) -> Difference:
    """Pair two evaluations by sample however it was shown: as it is, and without its media."""
    return difference_of(_pairs(catalog, first, second, any_view=True))


def _pairs(
    catalog: Catalog, first: Evaluation, second: Evaluation, *, any_view: bool
) -> list[dict[str, Any]]:
    parameters = {"first": first.job, "second": second.job, "any_view": any_view}
    with catalog.read() as connection:
        rows: list[dict[str, Any]] = (
            connection.execute(_PAIRS, parameters).to_arrow_table().to_pylist()
        )
    return rows


def difference_of(rows: Sequence[Mapping[str, Any]]) -> Difference:
    """Sum up rows of `first_successes, first_n, second_successes, second_n`."""
    one, one_n = _column(rows, "first_successes"), _column(rows, "first_n")
    other, other_n = _column(rows, "second_successes"), _column(rows, "second_n")
    first = float(one.sum() / max(1, one_n.sum()))
    second = float(other.sum() / max(1, other_n.sum()))
    low, high = (
        paired_bootstrap(one, one_n, other, other_n) if len(rows) >= FEWEST else (None, None)
    )
    return Difference(
        samples=len(rows),
        first=first,
        second=second,
        difference=second - first,
        low=low,
        high=high,
    )


def _column(rows: Sequence[Mapping[str, Any]], name: str) -> Any:
    return np.array([row[name] for row in rows], np.int64)
