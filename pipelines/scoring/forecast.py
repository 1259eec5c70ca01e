"""What asking will cost, before anything is asked: answers, tokens and time."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from pipelines.catalog.catalog import Catalog
from pipelines.scoring.ask import Asker
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.tally import Tally

PACE = """
with answers as (
    select unit_id, count(*) as n, avg(completion_tokens) as tokens
    from rollouts where policy_id = $policy and template_id = $template group by unit_id
),
commits as (
    select a.n, a.tokens, epoch(u.committed_at - greatest(u.planned_at,
        lag(u.committed_at) over (partition by u.job order by u.committed_at))) as seconds
    from answers a join units u using (unit_id) where u.status = 'done'
)
select sum(n * tokens) / sum(n) as tokens, median(seconds / n) filter (seconds >= 0) as seconds
from commits
"""
"""A clock that was set back gives times below zero; they say nothing."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How a policy has answered so far; None where it has not."""

    tokens: float | None
    """Mean length of an answer."""
    seconds: float | None
    """Median time per answer, from the planning or the commit before to a unit's own commit."""


def pace(catalog: Catalog, asker: Asker) -> Pace:
    """Look up how long this policy's answers under this template were, and how fast they came."""
    who = {name: asker.asked[name] for name in ("policy", "template")}
    with catalog.read() as connection:
        row = connection.execute(PACE, who).fetchone()
    return Pace(*row) if row else Pace(None, None)


def expected_answers(
    rule: StoppingRule, tally: Tally, asked: NDArray[np.int64], seed: int = 0
) -> int:
    """Play asking through, once per sample, with a pass rate drawn from its posterior."""
    rng = np.random.default_rng(seed)
    p = rng.beta(tally.a + tally.successes, tally.b + tally.n - tally.successes)
    total = 0
    while True:
        open_ = rule.undecided(tally) & (asked < rule.cap)
        if not open_.any():
            return total
        block = rule.next_block(asked, int(open_.sum())) * open_
        total += int(block.sum())
        asked = asked + block
        tally = replace(
            tally, n=tally.n + block, successes=tally.successes + rng.binomial(block, p)
        )
