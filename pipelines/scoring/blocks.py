"""What the evidence of invariance audits forbids: transforms that cost a task more than a margin."""

from augment.transforms import TRANSFORMS
from pipelines.catalog.catalog import Catalog
from pipelines.views import Blocked

MARGIN = 3.0
"""Points that a transform may cost."""

LOSING = """
select task, transform, version, policy, pairs, difference, ci_low, ci_high from invariance
where not overridden and ci_high < -$margin / 100
    and ($policy is null or policy = $policy or policy_id = $policy)
order by task, transform, ci_high desc
"""


def blocked(catalog: Catalog, margin: float = MARGIN, policy: str | None = None) -> Blocked:
    """Say which transforms lose surely more than `margin` points in which tasks, and why.

    Evidence of any policy counts, or only that of `policy`, by name or id. What an older version
    of a transform lost, or one that the label table was overridden for, does not count.
    """
    with catalog.read() as connection:
        rows = connection.execute(LOSING, {"margin": margin, "policy": policy}).fetchall()
    return {
        (
            task,
            transform,
        ): f"the invariance audit of {who} found {-100 * difference:.0f} points lost "
        f"[{-100 * high:.0f}, {-100 * low:.0f}] over {pairs:,} pairs"
        for task, transform, version, who, pairs, difference, low, high in rows
        if transform in TRANSFORMS and TRANSFORMS[transform].version == version
    }
