"""Asking adaptively in the catalog: budgets, priors, forecasts, and what is asked again when."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scripts import asker, filled, sometimes

from pipelines.policies.policy import Completion, PolicyUnavailable, Request, Sampling
from pipelines.policies.scripted import ScriptedPolicy
from pipelines.policies.templates import TEMPLATES, PromptTemplate
from pipelines.scoring.ask import Asker
from pipelines.scoring.budget import Budget
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.forecast import expected_answers, pace
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.scoring.staleness import scored_before
from pipelines.workspace import Workspace

RATES = [0.0, 1.0, 0.5, 0.25, 0.9] * 12


def job(workspace: Workspace, rule: StoppingRule | None = None) -> PassRateJob:
    who = asker(workspace, sometimes(RATES))
    return PassRateJob(workspace.catalog, who, rule or StoppingRule(), batch=16)


def evidence(workspace: Workspace) -> list[tuple[object, ...]]:
    rows = workspace.catalog.rows(
        "select sample_id, k, completion, correct from graded order by all"
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.slow
def test_a_budget_of_rollouts_is_never_exceeded_and_the_next_call_goes_on(
    workspace: Workspace,
) -> None:
    ids = filled(workspace, 16)
    spent = []
    while True:
        done = job(workspace).run(ids, budget=Budget(rollouts=50))
        spent.append(done.rollouts)
        if not done.stopped_by:
            break
        assert done.undecided > 0
        assert done.stopped_by == "rollouts"
    assert max(spent) <= 50
    assert len(spent) > 3
    again = job(workspace).run(ids)
    assert (again.rollouts, again.undecided) == (0, 0)


def test_a_job_stopped_by_a_budget_uses_what_is_left_of_a_larger_unit(workspace: Workspace) -> None:
    ids = filled(workspace, 60)
    assert job(workspace).run(ids, budget=Budget(rollouts=10)).rollouts == 8


def test_a_budget_of_tokens_stops_after_the_unit_that_reaches_it(workspace: Workspace) -> None:
    ids = filled(workspace, 60)
    done = job(workspace).run(ids, budget=Budget(tokens=1))
    assert done.stopped_by == "tokens"
    assert done.rollouts == 16 * 4
    assert done.completion_tokens > 1


@pytest.mark.slow
def test_a_budget_that_suffices_is_not_what_stopped_the_job(workspace: Workspace) -> None:
    ids = filled(workspace, 5)
    done = job(workspace).run(ids, budget=Budget(rollouts=10_000, tokens=10_000))
    assert (done.stopped_by, done.undecided) == ("", 0)


def test_how_hard_samples_are_is_said_by_the_posterior(workspace: Workspace) -> None:
    ids = filled(workspace, 5)
    who = asker(workspace, sometimes([0.0, 1.0, 0.5, 0.4, 0.6]))
    done = PassRateJob(workspace.catalog, who, StoppingRule()).run(ids)
    assert (done.too_hard, done.in_band, done.too_easy, done.unanswered) == (1, 3, 1, 0)


@pytest.mark.slow
def test_a_prior_of_the_task_decides_alike_samples_sooner(tmp_path: Path) -> None:
    asked = {}
    for prior in ("jeffreys", "empirical"):
        workspace = Workspace(tmp_path / prior)
        ids = filled(workspace, 120)
        who = asker(workspace, sometimes([0.5] * 120))
        rule = StoppingRule(cap=32, prior=prior)  # type: ignore[arg-type]
        asked[prior] = PassRateJob(workspace.catalog, who, rule).run(ids).rollouts
        again = PassRateJob(workspace.catalog, who, rule).run(ids)
        assert again.rollouts == 0
    assert asked["empirical"] < asked["jeffreys"]


@pytest.mark.slow
def test_the_forecast_is_near_what_asking_then_costs(workspace: Workspace) -> None:
    rng = np.random.default_rng(3)
    ids = filled(workspace, 200)
    who = asker(workspace, sometimes(rng.beta(0.5, 0.5, 200).tolist()))
    scoring = PassRateJob(workspace.catalog, who, StoppingRule())
    counts = scoring.counts(sorted(ids))
    expected = expected_answers(scoring.rule, counts.tally, counts.asked)
    assert pace(workspace.catalog, who).tokens is None
    done = scoring.run(ids)
    assert expected == pytest.approx(done.rollouts, rel=0.15)
    known = pace(workspace.catalog, who)
    assert known.tokens == pytest.approx(done.completion_tokens / done.rollouts)
    assert known.seconds is not None
    assert 0 < known.seconds < 1


def reworded(who: Asker, version: int) -> Asker:
    template = PromptTemplate(name="plain", version=version, instruction="Answer.")
    return replace(who, template=template)


@pytest.mark.slow
def test_refreshing_asks_only_about_what_an_earlier_wording_or_policy_was_scored_on(
    workspace: Workspace,
) -> None:
    ids = filled(workspace, 10)
    who = asker(workspace, sometimes(RATES))
    PassRateJob(workspace.catalog, who, StoppingRule()).run(ids[:6])
    newer = reworded(who, 2)
    assert scored_before(workspace.catalog, newer, ids) == sorted(ids[:6])
    stale = workspace.catalog.rows("select distinct stale from difficulty")
    assert stale == [{"stale": True}]
    PassRateJob(workspace.catalog, newer, StoppingRule()).run(ids[:6])
    rows = workspace.catalog.rows("select stale, count(*) as n from difficulty group by all")
    assert {row["stale"]: row["n"] for row in rows} == {True: 6, False: 6}
    other = replace(who, template=TEMPLATES["direct"])
    assert scored_before(workspace.catalog, other, ids) == []


@pytest.mark.slow
def test_a_policy_that_a_run_trained_inherits_what_its_start_was_scored_on(
    workspace: Workspace,
) -> None:
    ids = filled(workspace, 10)
    start = asker(workspace, sometimes(RATES), "start")
    PassRateJob(workspace.catalog, start, StoppingRule()).run(ids[:4])
    trained = asker(workspace, sometimes(RATES), "trained")
    assert scored_before(workspace.catalog, trained, ids) == []
    with workspace.catalog.write() as connection:
        connection.execute(
            "insert into runs by name select 'run' as run_id, ? as policy_id, "
            "? as trained_policy_id",
            [start.policy.policy_id, trained.policy.policy_id],
        )
    assert scored_before(workspace.catalog, trained, ids) == sorted(ids[:4])
    assert workspace.catalog.rows("select distinct stale from difficulty") == [{"stale": False}]


class Ailing(ScriptedPolicy):
    """Answers, but for some requests that it never gets to."""

    def __init__(self, down_after: int | None = None) -> None:
        super().__init__(sometimes(RATES))
        self.down_after = down_after

    def sample(
        self, requests: Sequence[Request], sampling: Sampling, seed: int
    ) -> list[list[Completion]]:
        if self.down_after is not None and self.calls >= self.down_after:
            raise PolicyUnavailable("nobody answers")
        answers = super().sample(requests, sampling, seed)
        problem = Completion("", "error", 0, 0, problem="500 three times")
        return [
            [problem] * len(given) if number % 3 == 0 else given
            for number, given in enumerate(answers)
        ]


def test_an_answer_that_did_not_come_is_unscored_and_says_why(workspace: Workspace) -> None:
    ids = filled(workspace, 12)
    who = replace(asker(workspace, sometimes(RATES)), policy=Ailing())
    done = PassRateJob(workspace.catalog, who, StoppingRule()).run(ids)
    rows = workspace.catalog.rows(
        "select completion, finish_reason, correct, reason from graded where reason <> 'match' "
        "and correct is null"
    )
    assert rows
    assert {tuple(row.values()) for row in rows} == {(None, "error", None, "500 three times")}
    wrong = workspace.catalog.rows("select count(*) as n from graded where correct is false")
    assert wrong[0]["n"] > 0
    assert done.unanswered > 0


@pytest.mark.slow
def test_a_policy_that_goes_away_leaves_what_it_answered_and_a_job_that_goes_on(
    tmp_path: Path,
) -> None:
    whole, broken = Workspace(tmp_path / "whole"), Workspace(tmp_path / "broken")
    ids = filled(whole, 60)
    filled(broken, 60)

    def ailing(workspace: Workspace, down_after: int | None) -> PassRateJob:
        who = replace(asker(workspace, sometimes(RATES)), policy=Ailing(down_after))
        return PassRateJob(workspace.catalog, who, StoppingRule(), batch=16)

    ailing(whole, None).run(ids)
    with pytest.raises(PolicyUnavailable):
        ailing(broken, 3).run(ids)
    assert 0 < len(evidence(broken)) < len(evidence(whole))
    ailing(broken, None).run(ids)
    assert evidence(broken) == evidence(whole)
