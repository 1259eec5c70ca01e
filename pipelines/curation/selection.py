"""What a plan chooses: the curated set and its control, laid out, or one sentence why it is empty."""

from dataclasses import dataclass

from pipelines.curation.band import choose, draw_control
from pipelines.curation.candidates import Candidates
from pipelines.curation.counting import BEFORE_CANDIDATES, Counts, in_order
from pipelines.curation.kinds import Pool
from pipelines.curation.layout import Layout, lay_out
from pipelines.curation.plans import Plan
from pipelines.workspace import Failed


class EmptySelection(Failed):
    """A plan that keeps no sample; the message says where they all went."""


@dataclass(frozen=True)
class Selection:
    """What a plan chose, laid out, with its control."""

    found: Pool
    """All that could be chosen."""
    curated: Layout
    control: Layout | None
    counts: Counts
    control_counts: Counts


def make_selection(plan: Plan, pool: Candidates) -> Selection:
    """Apply band, gates, quota and order. Raises EmptySelection when nothing stays."""
    chosen, dropped = choose(pool.found, plan.band, plan.quota, plan.gates, plan.training)
    counts = Counts(
        samples=pool.samples,
        candidates=len(pool.found),
        kept=len(chosen),
        dropped=in_order(pool.dropped + dropped),
    )
    if not len(chosen):
        raise EmptySelection(_why_empty(plan, counts))
    curated = lay_out(pool.found, chosen, plan.order, guess_correction=plan.band.guess_correction)
    before = {reason: counts.dropped.get(reason, 0) for reason in BEFORE_CANDIDATES}
    spared = in_order(before | {"size": len(pool.found) - len(chosen)})
    control = _control(plan, pool.found, len(chosen), curated) if plan.control.draw else None
    beside = counts.model_copy(update={"dropped": spared})
    return Selection(pool.found, curated, control, counts, beside)


def _control(plan: Plan, found: Pool, size: int, curated: Layout) -> Layout:
    """Draw the control: as many samples, as many stages, padded alike, in random order."""
    stages = int(curated.stages[-1]) + 1
    order = plan.order.model_copy(
        update={"by": "random", "seed": plan.control.seed, "stages": stages}
    )
    return lay_out(found, draw_control(found, size, plan.control.seed), order)


def _why_empty(plan: Plan, counts: Counts) -> str:
    if not counts.candidates:
        hint = "; `curricle score` gives evidence" if counts.dropped["no_evidence"] else ""
        return (
            f"plan {plan.name!r} has no candidates in split {plan.split!r}: "
            f"of {counts.samples} samples, {counts.told(candidates=False)}{hint}"
        )
    band = f"the band {plan.band.low:g} to {plan.band.high:g}"
    return (
        f"plan {plan.name!r} keeps none of its {counts.candidates} candidates: "
        f"{counts.told(candidates=True)} for {band}"
    )
