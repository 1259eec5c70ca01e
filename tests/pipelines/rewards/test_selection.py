"""One setting says who grades, and scoring and training obey it."""

from dataclasses import replace
from pathlib import Path

import pytest

from flows.evidence import workspace_grading
from flows.settings import read_settings, train_config
from pipelines.catalog.samples import add_samples
from pipelines.policies.policy import Sampling
from pipelines.policies.scripted import ScriptedPolicy
from pipelines.policies.templates import TEMPLATES
from pipelines.record.sample import Answer, Sample, ask
from pipelines.rewards import BY_KIND, Grading
from pipelines.scoring.ask import Asker
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.workspace import Workspace, WrongUse

TOML = """
reward = "stepwise"

[rewards.stepwise]
parts = { answer = 1.0, key_steps = 0.1 }
"""


def question() -> Sample:
    return Sample(
        prompt=ask("What is 3+4?"),
        answer=Answer.number(7),
        task="t",
        corpus="c",
        source_ref="r",
        steps=("3+4=7",),
    )


def asker(workspace: Workspace, grading: Grading) -> Asker:
    policy = ScriptedPolicy(lambda _request, k, _seed: "3+4=7\n=7" if k % 2 else "3+4=7\n=8")
    return Asker(policy, TEMPLATES["plain"], Sampling(), workspace.media.read, grading)


@pytest.fixture
def chosen(workspace: Workspace) -> Grading:
    sample = question()
    with workspace.catalog.write() as connection:
        add_samples(connection, [sample])
    (workspace.root / "curricle.toml").write_text(TOML)
    return workspace_grading(workspace)


def test_scoring_grades_by_the_chosen_reward(workspace: Workspace, chosen: Grading) -> None:
    PassRateJob(workspace.catalog, asker(workspace, chosen), StoppingRule(cap=4)).run(
        [question().sample_id]
    )
    rows = workspace.catalog.rows(
        "select distinct reward_id, round(value, 3) as value, correct, components "
        "from grades order by value"
    )
    assert {row["reward_id"] for row in rows} == {chosen.reward_id(question().reference)}
    assert [(row["value"], row["correct"]) for row in rows] == [(0.1, False), (1.1, True)]


def test_another_choice_grades_the_stored_answers_with_their_steps(
    workspace: Workspace, chosen: Grading
) -> None:
    ids = [question().sample_id]
    rule = StoppingRule(cap=4)
    first = PassRateJob(workspace.catalog, asker(workspace, BY_KIND), rule).run(ids)
    again = PassRateJob(workspace.catalog, asker(workspace, chosen), rule).run(ids)
    assert (first.rollouts, again.rollouts) == (4, 0)
    values = workspace.catalog.rows(
        "select reward_id.split('@')[1] as reward, round(max(value), 3) as best "
        "from grades group by all order by all"
    )
    assert [(row["reward"], row["best"]) for row in values] == [("number", 1.0), ("stepwise", 1.1)]
    rates = workspace.catalog.rows("select distinct pass_rate from difficulty")
    assert [row["pass_rate"] for row in rates] == [0.5]


def test_a_training_run_is_told_who_grades(workspace: Workspace, chosen: Grading) -> None:
    config = train_config(read_settings(workspace), {"dataset": "d"})
    assert (config.reward, config.rewards["stepwise"].parts["key_steps"]) == ("stepwise", 0.1)
    other = train_config(read_settings(workspace), {"dataset": "d", "reward": "answer"})
    assert other.reward == "answer"


def test_the_default_is_by_kind(tmp_path: Path) -> None:
    assert workspace_grading(Workspace(tmp_path)) is BY_KIND


def test_a_name_that_nobody_knows_is_refused(workspace: Workspace, chosen: Grading) -> None:
    (workspace.root / "curricle.toml").write_text('reward = "nobody"')
    with pytest.raises(WrongUse, match="no reward 'nobody'"):
        workspace_grading(workspace)


def test_where_no_answer_came_none_is_graded(workspace: Workspace, chosen: Grading) -> None:
    from pipelines.policies.policy import Completion

    came = Completion("=7", "stop", 1, 1)
    failed = replace(came, problem="the server was down")
    scores = asker(workspace, chosen).grade_all([(question(), failed), (question(), came)])
    assert [score.correct for score in scores] == [None, True]
    assert scores[0].reason == "the server was down"
