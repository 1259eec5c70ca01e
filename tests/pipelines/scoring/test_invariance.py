"""The invariance audit: what survives keeps, what breaks is caught, and what it blocks."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scripts import asker
from sides import keep, looks, looks_through_no_noise, pictures

from augment.errors import AugmentError
from augment.recipes import Recipe, Step
from flows.settings import AugmentSettings
from flows.stages import augment as make_views
from pipelines.catalog.samples import load_samples
from pipelines.policies.policy import Request
from pipelines.policies.render import render
from pipelines.policies.scripted import Script
from pipelines.policies.showing import as_shown, as_twin, render_view
from pipelines.policies.templates import TEMPLATES
from pipelines.scoring.blocks import blocked
from pipelines.scoring.budget import Budget
from pipelines.scoring.invariance import AuditSummary, Finding, InvarianceAudit
from pipelines.scoring.paired import Paired
from pipelines.scoring.twins import PairChooser
from pipelines.twins import CannotTwin, TwinMaker, loosened, usual
from pipelines.views import augment, sizes_of
from pipelines.workspace import Workspace

FLIP, NOISE = Step("flip_horizontal"), Step("gaussian_noise")


def audit_of(
    workspace: Workspace,
    script: Script,
    *steps: Step,
    allowed: tuple[str, ...] = (),
    pairs: int = 80,
    answers: int = 4,
) -> InvarianceAudit:
    chooser = PairChooser(workspace, TwinMaker(allowed=allowed), steps, pairs)
    return InvarianceAudit(asker(workspace, script, script.__name__), chooser, answers, batch=16)


def only(summary: AuditSummary) -> Finding:
    (finding,) = summary.findings
    return finding


@pytest.mark.slow
def test_a_flip_keeps_when_the_answer_moves_and_loses_when_it_is_wrongly_called_safe(
    workspace: Workspace,
) -> None:
    ids = keep(workspace, pictures(200))
    moved = only(audit_of(workspace, looks, FLIP, pairs=200).run(ids))
    assert (moved.verdict, moved.pairs, moved.overridden) == ("keeps", 200, False)
    assert moved.twin_rate == pytest.approx(0.95, abs=0.03)
    allowed = ("flip_horizontal:sides",)
    left = only(audit_of(workspace, looks, FLIP, allowed=allowed).run(ids))
    assert (left.verdict, left.overridden) == ("loses", True)
    assert left.twin_rate == pytest.approx(0.05, abs=0.03)


@pytest.mark.slow
def test_the_control_is_about_chance_and_who_guesses_shows_nothing(workspace: Workspace) -> None:
    ids = keep(workspace, pictures(300))
    knows = only(audit_of(workspace, looks, NOISE, pairs=300).run(ids))
    assert knows.verdict == "keeps"
    assert knows.control_rate == pytest.approx(0.5, abs=0.08)
    # Nobody can lose what he never had: without the control, this would be called harmless.
    always = only(audit_of(workspace, always_left, NOISE, pairs=200).run(ids))
    assert always.difference == 0
    assert always.verdict == "no control"


def always_left(request: Request, k: int, seed: int) -> str:
    return "left"


def test_what_the_table_forbids_is_not_asked_and_says_why(workspace: Workspace) -> None:
    ids = keep(workspace, pictures(5))
    summary = audit_of(workspace, looks, Step("rotate")).run(ids)
    (forbidden,) = summary.forbidden
    assert (summary.rollouts, summary.findings, forbidden.samples) == (0, (), 5)
    assert "left, right" in forbidden.reason


@pytest.mark.slow
def test_an_estimate_says_what_is_asked_and_nothing_is_asked_twice(workspace: Workspace) -> None:
    ids = keep(workspace, pictures(30))
    small = audit_of(workspace, looks, FLIP, NOISE, pairs=10, answers=2)
    estimate = small.estimate(ids)
    # One clean showing serves both transforms.
    assert (estimate.samples, estimate.rollouts, estimate.pairs_needed) == (10, 60, 1068)
    assert [(cell.transform, cell.pairs) for cell in estimate.cells] == [
        ("flip_horizontal", 10),
        ("gaussian_noise", 10),
    ]
    assert small.run(ids).rollouts == 60
    assert small.run(ids).rollouts == 0
    larger = audit_of(workspace, looks, FLIP, NOISE, pairs=15, answers=2)
    assert larger.run(ids).rollouts == 30
    assert audit_of(workspace, looks, FLIP, pairs=15, answers=3).run(ids).rollouts == 30


@pytest.mark.slow
def test_a_budget_stops_and_the_next_call_goes_on(workspace: Workspace) -> None:
    ids = keep(workspace, pictures(20))
    audit = audit_of(workspace, looks, NOISE)
    first = audit.run(ids, budget=Budget(rollouts=70))
    assert (first.rollouts, first.stopped_by) == (68, "rollouts")
    assert only(first).pairs < 20
    last = audit.run(ids)
    assert (last.rollouts, last.stopped_by, last.open_samples) == (92, "", 0)
    assert only(last).pairs == 20


@pytest.mark.slow
def test_an_audit_that_died_goes_on_and_finds_the_same(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    whole, broken = (Workspace(tmp_path_factory.mktemp("workspace")) for _ in range(2))
    ids = keep(whole, pictures(20))
    keep(broken, pictures(20))
    calls: list[int] = []

    def dies(request: Request, k: int, seed: int) -> str:
        calls.append(k)
        if len(calls) == 100:
            raise KeyboardInterrupt
        return looks(request, k, seed)

    dies.__name__ = looks.__name__
    with pytest.raises(KeyboardInterrupt):
        audit_of(broken, dies, NOISE).run(ids)
    query = (
        "select sample_id, view::varchar as view, k, completion, correct from graded order by all"
    )
    after = audit_of(broken, looks, NOISE).run(ids)
    assert after.findings == audit_of(whole, looks, NOISE).run(ids).findings
    assert broken.catalog.rows(query) == whole.catalog.rows(query)


@pytest.mark.slow
def test_the_view_of_the_catalog_says_the_same(workspace: Workspace) -> None:
    ids = keep(workspace, pictures(60))
    found = only(audit_of(workspace, looks_through_no_noise, NOISE).run(ids))
    (row,) = workspace.catalog.rows("from invariance")
    assert (row["task"], row["transform"], row["pairs"]) == ("pictures/side", "gaussian_noise", 60)
    assert (row["clean_n"], row["twin_n"], row["overridden"]) == (240, 240, False)
    names = ("clean_rate", "twin_rate", "difference", "ci_low", "ci_high")
    said = found.clean_rate, found.twin_rate, found.difference, found.low, found.high
    assert [row[name] for name in names] == pytest.approx(list(said))
    differences = [row["difference"] for row in workspace.catalog.rows("from twins")]
    sums = Paired(60, sum(differences), sum(d * d for d in differences))
    assert sums.interval == pytest.approx((row["ci_low"], row["ci_high"]))


def test_what_loses_is_blocked_and_not_drawn_any_more(workspace: Workspace) -> None:
    ids = keep(workspace, pictures(60))
    assert blocked(workspace.catalog) == {}
    assert only(audit_of(workspace, looks_through_no_noise, NOISE).run(ids)).verdict == "loses"
    blocks = blocked(workspace.catalog)
    (reason,) = blocks.values()
    assert list(blocks) == [("pictures/side", "gaussian_noise")]
    assert "looks_through_no_noise" in reason
    recipe = Recipe(name="two", version=1, medium="image", steps=(NOISE, Step("jpeg")))
    summary = augment(workspace, recipe, blocked=blocks)
    assert summary.forbidden == {f"gaussian_noise: {reason}": 60}
    names = {step["name"] for history in _histories(workspace) for step in history}
    assert names == {"jpeg"}


def _histories(workspace: Workspace) -> list[list[dict[str, object]]]:
    rows = workspace.catalog.rows("select history from samples where history is not null")
    return [json.loads(row["history"]) for row in rows]


@pytest.mark.slow
def test_blocks_are_heeded_unless_switched_off_and_then_it_is_said(workspace: Workspace) -> None:
    ids = keep(workspace, pictures(60))
    audit_of(workspace, looks_through_no_noise, NOISE).run(ids)
    heeding = AugmentSettings(recipes=("light-image",))
    (done,) = make_views(workspace, heeding)
    assert any(why.startswith("gaussian_noise: the invariance audit") for why in done.forbidden)
    assert done.unheeded == ()
    (done,) = make_views(workspace, heeding.model_copy(update={"blocks": False}))
    assert not any("audit" in why for why in done.forbidden)
    assert done.unheeded == ("gaussian_noise in pictures/side",)
    (done,) = make_views(workspace, heeding.model_copy(update={"margin": 90.0}))
    assert not any("audit" in why for why in done.forbidden)


@pytest.mark.slow
def test_evidence_blocks_by_policy_and_not_where_the_table_was_overridden(
    workspace: Workspace,
) -> None:
    ids = keep(workspace, pictures(60))
    audit_of(workspace, looks, FLIP, allowed=("flip_horizontal",)).run(ids)
    assert blocked(workspace.catalog) == {}
    audit_of(workspace, looks_through_no_noise, NOISE).run(ids)
    assert blocked(workspace.catalog, policy="looks") == {}
    assert len(blocked(workspace.catalog, policy="looks_through_no_noise")) == 1


def test_a_stored_view_shows_the_very_twin_again(workspace: Workspace) -> None:
    ids = keep(workspace, pictures(3))
    samples = load_samples(workspace.catalog, ids)
    sizes, template = sizes_of(workspace, samples), TEMPLATES["plain"]
    for sample in samples:
        twin = TwinMaker().make(sample, FLIP, sizes)
        assert twin.answer.value != sample.answer.value
        view = json.loads(json.dumps(as_twin(sample, twin)))
        assert as_shown(sample, view).answer == twin.answer
        shown = render_view(sample, view, template, workspace.media.read, frozenset({"image"}))
        made = render(twin, template, workspace.media.read)
        assert shown.messages == made.messages
        assert np.array_equal(np.asarray(shown.images[0]), np.asarray(made.images[0]))
        assert (
            shown.images[0].tobytes()
            != render(sample, template, workspace.media.read).images[0].tobytes()
        )


def test_graders_are_not_compared_on_answers_that_moved(workspace: Workspace) -> None:
    from pipelines.rewards.declared import grading_of
    from pipelines.scoring.audit import Side
    from pipelines.scoring.audit import audit as compare

    ids = keep(workspace, pictures(10))
    audit_of(workspace, looks, FLIP, NOISE, answers=2).run(ids)
    one, other = (
        Side.named(name, lambda name: grading_of(name, {}, workspace.root))
        for name in ("text", "transcript")
    )
    # Of ten samples in three showings, the mirrored ones have another answer than their samples.
    assert compare(workspace.catalog, one, other).answers == 10 * 2 * 2


def test_a_twin_is_as_strong_as_usual_and_never_stronger_than_it_may_be(
    workspace: Workspace,
) -> None:
    (sample,) = pictures(1, ("has_text",))
    ruling = TwinMaker().ruling(sample, NOISE, {})
    assert ruling.limits["sigma"] == (1, 12)
    assert usual("gaussian_noise", ruling)["sigma"] == (4, 25)
    sigmas = {
        TwinMaker(seed).make(sample, NOISE, {}).history[0]["params"]["sigma"]  # type: ignore[index]
        for seed in range(60)
    }
    assert min(sigmas) >= 4
    assert max(sigmas) <= 12


def test_only_known_cells_can_be_called_safe() -> None:
    from augment.labels import TABLE

    with pytest.raises(AugmentError, match="unknown transform 'flip'"):
        loosened(TABLE, ("flip",))
    with pytest.raises(AugmentError, match="knows no tag 'lefts'"):
        loosened(TABLE, ("flip_horizontal:lefts",))
    forbidden = replace(pictures(1)[0], tags=("direction",))
    with pytest.raises(CannotTwin, match="what lies where"):
        TwinMaker().make(forbidden, FLIP, {})
