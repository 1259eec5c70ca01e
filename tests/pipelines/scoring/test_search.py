"""Search jobs: effort in the catalog, full batches, budgets, policies that fall silent."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scripts import asker, filled, number_of, sometimes, stepwise, sums, tables

from pipelines.catalog import ledger
from pipelines.catalog.samples import add_samples
from pipelines.policies.policy import Completion, PolicyUnavailable, Request, Sampling
from pipelines.policies.scripted import Script, ScriptedPolicy
from pipelines.record.media import Media, MediaFacts
from pipelines.record.sample import Sample, ask
from pipelines.rewards import REWARDS, Reward, Score
from pipelines.scoring.ask import Asker
from pipelines.scoring.budget import Budget
from pipelines.scoring.journal import Journal
from pipelines.scoring.search import SearchJob
from pipelines.scoring.tree import SearchRule
from pipelines.workspace import Workspace

RATES = [0.0, 1.0, 0.5, 0.05, 0.3]


def two_workspaces(folder: Path, samples: int) -> tuple[Workspace, Workspace, list[str]]:
    """Make two workspaces with the same samples, and give their ids."""
    whole, broken = Workspace(folder / "whole"), Workspace(folder / "broken")
    filled(broken, samples)
    return whole, broken, filled(whole, samples)


def searching(workspace: Workspace, who: Asker | Script, **settings: object) -> SearchJob:
    known = who if isinstance(who, Asker) else asker(workspace, who)
    rule = SearchRule(
        **{k: v for k, v in settings.items() if k in SearchRule.model_fields}  # type: ignore[arg-type]
    )
    others = {k: v for k, v in settings.items() if k not in SearchRule.model_fields}
    return SearchJob(workspace.catalog, known, rule, **others)  # type: ignore[arg-type]


def count(workspace: Workspace, of: str) -> int:
    return int(workspace.catalog.rows(f"select count(*) as n from {of}")[0]["n"])


def test_search_stores_effort_for_the_solved_and_the_unsolved(workspace: Workspace) -> None:
    ids = filled(workspace, 3)
    summary = searching(workspace, sometimes([0.0, 1.0, 0.3]), iterations=20).run(ids)
    assert (summary.searched, summary.failed, summary.stopped_by) == (3, 0, "")
    effort = {row["sample_id"]: row for row in workspace.catalog.rows("from search_effort")}
    assert effort[ids[0]]["solved"] is False
    assert (effort[ids[0]]["first_success"], effort[ids[0]]["iterations"]) == (None, 20)
    assert (effort[ids[1]]["first_success"], effort[ids[1]]["mode"]) == (1, "first-success")
    assert summary.solved == sum(row["solved"] for row in effort.values())
    assert summary.model_calls == sum(row["model_calls"] for row in effort.values())
    assert summary.completion_tokens == sum(row["completion_tokens"] for row in effort.values())
    rollouts = workspace.catalog.rows("select purpose, count(*) as n from rollouts group by all")
    assert rollouts[0]["purpose"] == "search"
    assert rollouts[0]["n"] == sum(row["iterations"] for row in effort.values())


def test_an_answer_is_stored_whole_with_the_tokens_of_all_its_parts(workspace: Workspace) -> None:
    searching(workspace, stepwise([0.0] * 3), iterations=9).run(filled(workspace, 3))
    rows = workspace.catalog.rows("from graded")
    assert len(rows) == 27
    for row in rows:
        assert row["completion"].count("\n") == 3
        assert row["completion_tokens"] == len(row["completion"])
        assert row["prompt_tokens"] == len("0+1")
        assert None not in (row["seed"], row["origin"], row["correct"])
    assert sorted(row["k"] for row in rows) == sorted(list(range(9)) * 3)


def test_as_published_an_answer_that_is_judged_again_is_no_new_evidence(
    workspace: Workspace,
) -> None:
    ids = filled(workspace, 2)
    searching(workspace, sometimes([0.0] * 2), mode="faithful", iterations=30).run(ids)
    assert count(workspace, "searches where iterations = 30") == 2
    # Of each tree's 30 iterations, one rolls out a child of the root and nine judge a finished
    # answer for the first time; the others judge one of these again.
    assert count(workspace, "rollouts") == 20
    assert count(workspace, "searches where model_calls = 3 + 1 + 9") == 2


def test_a_searched_sample_is_not_searched_again(workspace: Workspace) -> None:
    ids = filled(workspace, 3)
    job = searching(workspace, sometimes(RATES), iterations=5)
    job.run(ids[:2])
    assert job.run(ids).searched == 1
    assert job.run(ids).searched == 0


@pytest.mark.slow
def test_a_sample_is_searched_again_for_what_the_first_search_did_not_tell(
    workspace: Workspace,
) -> None:
    ids = filled(workspace, 2)  # the first is never solved, the second at once
    who = asker(workspace, sometimes([0.0, 1.0]))
    searching(workspace, who, iterations=5).run(ids)
    assert searching(workspace, who, iterations=9).unsearched(ids) == [ids[0]]
    assert searching(workspace, who, mode="faithful", iterations=5).unsearched(ids) == sorted(ids)
    values = searching(workspace, who, mode="value", iterations=9)
    assert values.run(ids).searched == 2
    assert searching(workspace, who, iterations=9).unsearched(ids) == []


def test_many_trees_share_their_calls(workspace: Workspace) -> None:
    who = asker(workspace, sometimes([0.0] * 30))
    summary = searching(workspace, who, iterations=10).run(filled(workspace, 30))
    assert who.policy.calls <= 20  # type: ignore[attr-defined]
    assert summary.model_calls > 10 * who.policy.calls  # type: ignore[attr-defined]


def test_answers_of_many_trees_are_graded_together(workspace: Workspace) -> None:
    sizes: list[int] = []

    class Counting(Asker):
        def grade_all(self, given: Sequence[tuple[Sample, Completion]]) -> list[Score]:
            sizes.append(len(given))
            return super().grade_all(given)

    who = asker(workspace, stepwise([0.0] * 30))
    known = Counting(who.policy, who.template, who.sampling, who.read)
    searching(workspace, known, iterations=10).run(filled(workspace, 30))
    assert sum(sizes) == 300
    assert np.mean(sizes) > 10


def test_a_finished_tree_makes_room_for_the_next(workspace: Workspace) -> None:
    sizes: list[int] = []

    class Counting(ScriptedPolicy):
        def sample(
            self, requests: Sequence[Request], sampling: Sampling, seed: int
        ) -> list[list[Completion]]:
            if not sampling.stop:
                sizes.append(len(requests))
            return super().sample(requests, sampling, seed)

    who = asker(workspace, sometimes([]))
    rates = np.random.default_rng(0).uniform(0, 1, 60).tolist()
    known = Asker(Counting(stepwise(rates)), who.template, who.sampling, who.read)
    searching(workspace, known, iterations=20, batch=8).run(filled(workspace, 60))
    assert max(sizes) == 8
    # Trees end all the while, and still rollouts go out nearly eight at a time.
    assert np.mean(sizes[: len(sizes) // 2]) > 7


@pytest.mark.parametrize(
    "limit", [{"rollouts": 40}, pytest.param({"tokens": 60}, marks=pytest.mark.slow)]
)
@pytest.mark.slow
def test_a_budget_stops_a_search_and_the_same_job_goes_on(
    tmp_path: Path, limit: dict[str, int]
) -> None:
    whole, parts, ids = two_workspaces(tmp_path, 12)
    script = stepwise(RATES * 4)
    expected = searching(whole, script, iterations=10, batch=6).run(ids)
    spent = calls = 0
    while True:
        calls += 1
        budget = Budget(**limit)
        done = searching(parts, script, iterations=10, batch=6).run(ids, budget=budget)
        spent += done.model_calls
        assert done.model_calls <= limit.get("rollouts", done.model_calls)
        if not done.stopped_by:
            break
        assert done.stopped_by in limit
    assert calls > 3
    assert spent == expected.model_calls
    assert tables(parts) == tables(whole)


@pytest.mark.slow
def test_when_the_policy_goes_away_what_it_said_is_kept(
    tmp_path: Path,
) -> None:
    whole, broken, ids = two_workspaces(tmp_path, 12)
    searching(whole, stepwise(RATES * 4), iterations=10, batch=6).run(ids)
    heard: list[int] = []

    class Leaving(ScriptedPolicy):
        def sample(
            self, requests: Sequence[Request], sampling: Sampling, seed: int
        ) -> list[list[Completion]]:
            if len(heard) % 7 == 3:
                heard.append(0)
                raise PolicyUnavailable("nobody answers at http://localhost:1")
            heard.append(sum(request.n for request in requests))
            return super().sample(requests, sampling, seed)

    who = asker(broken, stepwise([]))
    known = Asker(Leaving(stepwise(RATES * 4)), who.template, who.sampling, who.read)
    job = searching(broken, known, iterations=10, batch=6)
    for _ in range(100):
        try:
            job.run(ids)
            break
        except PolicyUnavailable:
            continue
    assert heard.count(0) > 3
    assert tables(broken) == tables(whole)
    asked = whole.catalog.rows("select sum(model_calls)::integer as n from searches")[0]["n"]
    assert sum(heard) == asked  # nothing was asked twice


class Stammering(ScriptedPolicy):
    """Does not answer where it is told not to."""

    silent: "Sequence[int] | range" = ()
    asked = 0

    def _answer(self, request: Request, k: int, sampling: Sampling, seed: int) -> Completion:
        self.asked += 1
        if number_of(request) in self.silent and self.asked % 3 == 0:
            return Completion("", "error", 0, 0, "HTTP 500")
        return super()._answer(request, k, sampling, seed)


def test_a_question_without_an_answer_is_put_again(workspace: Workspace) -> None:
    ids = filled(workspace, 5)
    who = asker(workspace, stepwise(RATES))
    policy = Stammering(stepwise(RATES))
    policy.silent = range(5)
    known = Asker(policy, who.template, who.sampling, who.read)
    summary = searching(workspace, known, iterations=8).run(ids)
    assert (summary.searched, summary.failed) == (5, 0)
    assert count(workspace, "rollouts where completion is null") == 0
    assert count(workspace, "rollouts") == count(workspace, "rollouts where completion like '%=%'")
    heard = workspace.catalog.rows("select sum(model_calls)::integer as n from searches")[0]["n"]
    assert heard < summary.model_calls == policy.asked


def test_a_search_without_answers_is_given_up_and_is_not_unsolved(workspace: Workspace) -> None:
    ids = filled(workspace, 3)

    class Mute(Stammering):
        def _answer(self, request: Request, k: int, sampling: Sampling, seed: int) -> Completion:
            if number_of(request) == 1:
                return Completion("", "error", 0, 0, "HTTP 500")
            return super()._answer(request, k, sampling, seed)

    who = asker(workspace, stepwise(RATES))
    mute = Asker(Mute(stepwise(RATES)), who.template, who.sampling, who.read)
    summary = searching(workspace, mute, iterations=8).run(ids)
    assert (summary.searched, summary.failed) == (2, 1)
    row = workspace.catalog.rows("from searches where sample_id = ?", ids[1])[0]
    assert (row["solved"], row["first_success"], row["problem"]) == (None, None, "HTTP 500")
    assert count(workspace, f"search_effort where sample_id = '{ids[1]}'") == 0
    assert searching(workspace, who, iterations=8).run(ids).searched == 1
    assert count(workspace, f"search_effort where sample_id = '{ids[1]}'") == 1


@pytest.mark.slow
def test_a_sample_that_the_policy_cannot_be_shown_does_not_stop_the_others(
    workspace: Workspace,
) -> None:
    ids = filled(workspace, 2)
    medium = Media.of_bytes(b"not a picture", "image")
    broken = replace(sums(1)[0], prompt=ask("0+1", medium), media=(medium,))
    facts = MediaFacts(medium.media_id, "image", 13, "x", 3, 4)
    with workspace.catalog.write() as connection:
        add_samples(connection, [broken], [facts])
    who = replace(asker(workspace, stepwise(RATES)), read=lambda _: b"not a picture")
    summary = searching(workspace, who, iterations=4).run([*ids, broken.sample_id])
    assert (summary.searched, summary.failed) == (2, 1)
    row = workspace.catalog.rows("from searches where sample_id = ?", broken.sample_id)[0]
    assert row["solved"] is None
    assert row["problem"]


def test_a_search_whose_answers_nobody_could_grade_is_given_up(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> Score:
        return Score(0.0, None, "the grader failed")

    monkeypatch.setitem(REWARDS, "number", Reward("number", 1, fails))
    summary = searching(workspace, stepwise([0.5]), iterations=6).run(filled(workspace, 1))
    assert (summary.searched, summary.failed) == (0, 1)
    row = workspace.catalog.rows("from searches")[0]
    assert (row["solved"], row["iterations"], row["unscored"]) == (None, 6, 6)
    assert count(workspace, "grades where correct is null") == 6


def test_a_search_for_values_says_what_each_beginning_of_an_answer_is_worth(
    workspace: Workspace,
) -> None:
    ids = filled(workspace, 3)
    job = searching(workspace, stepwise([0.6] * 3), mode="value", iterations=30)
    job.run(ids)
    values = workspace.catalog.rows("from step_values where sample_id = ?", ids[0])
    roots = [row for row in values if row["depth"] == 0]
    assert [(row["prefix"], row["visits"]) for row in roots] == [("", 30)]
    answers = workspace.catalog.rows(
        "select avg(correct::integer) as p from graded where sample_id = ?", ids[0]
    )
    assert roots[0]["value"] == pytest.approx(answers[0]["p"])
    assert all(0 <= row["value"] <= 1 and row["visits"] > 0 for row in values)
    assert all(row["prefix"].count("\n") in (row["depth"], row["depth"] - 1) for row in values)
    assert {row["terminal"] for row in values} == {True, False}


@pytest.mark.slow
def test_only_the_latest_search_for_values_counts(workspace: Workspace) -> None:
    ids = filled(workspace, 1)
    who = asker(workspace, stepwise([0.6]))
    searching(workspace, who, mode="value", iterations=5).run(ids)
    searching(workspace, who, mode="value", iterations=7).run(ids)
    searching(workspace, who, mode="faithful").run(ids)
    rows = workspace.catalog.rows("select visits from step_values where depth = 0")
    assert rows == [{"visits": 7}]
    assert count(workspace, "search_nodes where depth = 0") == 2


def test_a_search_that_stops_at_its_first_success_leaves_no_nodes(workspace: Workspace) -> None:
    searching(workspace, stepwise([0.5]), iterations=5).run(filled(workspace, 1))
    assert count(workspace, "search_nodes") == 0


@pytest.mark.slow
def test_when_all_have_ended_nothing_is_left_of_what_was_heard(workspace: Workspace) -> None:
    job = searching(workspace, stepwise(RATES), iterations=20, store_every=0.0)
    job.run(filled(workspace, 5), budget=Budget(rollouts=30))
    assert count(workspace, "search_replies") > 0
    job.run([])
    assert count(workspace, "search_replies") == 0
    assert count(workspace, "units where status <> 'done'") == 0


def test_who_was_thought_dead_cannot_store_a_round_that_another_has_begun(
    workspace: Workspace,
) -> None:
    job = searching(workspace, stepwise(RATES), iterations=20, store_every=0.0)
    job.run(filled(workspace, 5), budget=Budget(rollouts=30))
    (group,) = ledger.pending(workspace.catalog, job.job)
    first, second = (Journal(workspace.catalog, group) for _ in range(2))
    call = first.open().call
    assert second.open().call == call
    assert not first.commit(call + 1, [], {}, finished=False)
    assert second.commit(call + 1, [], {}, finished=False)
