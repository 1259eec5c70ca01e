"""What changed between two versions: counted, named, and said in a table."""

from small_catalog import a_plan, add, filled, picture_question, sum_question, tried

from pipelines.curation.curate import curate
from pipelines.curation.differences import Differences, difference_lines, differences
from pipelines.curation.versions import registered
from pipelines.workspace import Workspace


def compared(
    workspace: Workspace, first: tuple[str, int], second: tuple[str, int]
) -> tuple[Differences, str]:
    sides = (registered(workspace, *side) for side in (first, second))
    found = differences(workspace, *sides)
    return found, "\n".join(difference_lines(found))


def two_versions(workspace: Workspace) -> list[str]:
    """Freeze four sums; then drop one by its band, take in two pictures, and ask one sum again."""
    sums = [sample.sample_id for sample in filled(workspace, [1, 4, 5, 7])]
    curate(workspace, a_plan())
    pictures = [sample.sample_id for sample in filled(workspace, [2, 3], picture_question)]
    tried(workspace, {sums[1]: 0}, policy="other", reward="sum_question@1", tries=4)
    curate(workspace, a_plan(band={"high": 0.8}, order={"stages": 2}))
    return [*sums, *pictures]


def test_samples_rates_stages_evidence_and_plan_are_compared(workspace: Workspace) -> None:
    ids = two_versions(workspace)
    found, said = compared(workspace, ("small", 1), ("small", 2))
    assert set(found.added) == set(ids[4:])
    assert found.removed == (ids[3],)
    assert (found.samples_before, found.samples_after, found.stayed) == (4, 5, 3)
    (shift,) = found.shifts
    assert (shift.sample_id, shift.before, round(shift.after, 3)) == (ids[1], 0.5, 0.333)
    assert (found.easier, found.harder) == (0, 1)
    changes = {(c.of, c.name): (c.before, c.after) for c in (*found.counts, *found.plan)}
    assert changes["corpus", "digits"] == (0, 2)
    assert changes["corpus", "sums"] == (4, 3)
    assert changes["plan", "band.high"] == ("0.9", "0.8")
    assert changes["plan", "order.stages"] == (None, 2)
    assert [(change.before, change.after) for change in found.evidence] == [(None, 4), (None, 16)]
    assert "4 → 5 samples: 2 added, 1 removed, 3 in both" in said
    assert "| plan | band.high | 0.9 | 0.8 |" in said
    assert "too easy" in said


def test_a_set_is_compared_with_its_control(workspace: Workspace) -> None:
    filled(workspace, [1, 4, 8, 0, 8])
    curate(workspace, a_plan())
    found, said = compared(workspace, ("small", 1), ("small-control", 1))
    assert found.samples_before == found.samples_after == 2
    assert found.without_signal.before < found.without_signal.after
    assert "small@1 → small-control@1" in said
    assert "Plan, evidence and revisions of corpora are the same." in said


def test_what_a_corpus_wrote_is_escaped(workspace: Workspace) -> None:
    hostile = sum_question(5, task="<b>|x|")
    add(workspace, [hostile])
    tried(workspace, {hostile.sample_id: 4})
    curate(workspace, a_plan())
    filled(workspace, [3])
    tried(workspace, {hostile.sample_id: 0}, tries=4, policy="other")
    curate(workspace, a_plan())
    _, said = compared(workspace, ("small", 1), ("small", 2))
    assert "<b>" not in said
    assert r"&lt;b&gt;\|x\|" in said
