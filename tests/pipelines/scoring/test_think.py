"""Thinking against answering directly: what is asked, what is decided, and that it stays apart."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scripts import asker, filled, number_of, sums

from pipelines.catalog.samples import add_samples
from pipelines.policies.policy import Request
from pipelines.policies.render import render
from pipelines.policies.scripted import Script
from pipelines.policies.templates import TEMPLATES, PromptTemplate, chat_options
from pipelines.record.canonical import content_hash
from pipelines.record.sample import Answer, Sample
from pipelines.rewards import REWARDS
from pipelines.scoring.budget import Budget
from pipelines.scoring.paired import Paired
from pipelines.scoring.think import MARGIN, ThinkSummary, ThinkTrial, modes
from pipelines.workspace import Workspace, WrongUse

DIRECT = TEMPLATES["direct"]
RATES = {"add": (0.9, 0.4), "see": (1.0, 1.0), "read": (0.3, 0.8), "hear": (0.5, 0.48)}
"""Of four tasks: how often answers are right that may think, and that may not."""
EACH = 100


def by_task(request: Request, k: int, seed: int) -> str:
    """Answer as RATES says, a hundred numbers to a task."""
    number = number_of(request)
    rate = list(RATES.values())[number // EACH][not request.thinking]
    return f"{number + 1 if np.random.default_rng([seed, k, number]).random() < rate else -7}"


def trial(workspace: Workspace, script: Script = by_task, **settings: int) -> ThinkTrial:
    return ThinkTrial(workspace.catalog, asker(workspace, script), DIRECT, **settings)


def keep(workspace: Workspace, samples: list[Sample]) -> list[str]:
    with workspace.catalog.write() as connection:
        add_samples(connection, samples)
    return [sample.sample_id for sample in samples]


def chosen(workspace: Workspace, script: Script = by_task, **given: Any) -> dict[str, str]:
    policy = asker(workspace, script).policy.policy_id
    return modes(workspace.catalog, policy, thinking="plain", **given)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, ThinkSummary]:
    """Four tasks, asked under both templates. Tests read it and leave it as it is."""
    workspace = Workspace(tmp_path_factory.mktemp("asked") / "workspace", lock_timeout=20)
    tasks = list(RATES)
    samples = [replace(s, task=tasks[i // EACH]) for i, s in enumerate(sums(4 * EACH))]
    return workspace, trial(workspace, answers=1, batch=200).run(keep(workspace, samples))


Asked = tuple[Workspace, ThinkSummary]


def test_a_task_wants_what_its_answers_show(asked: Asked) -> None:
    workspace, done = asked
    assert done.rollouts == 4 * EACH * 2
    assert {one.task: one.mode for one in done.findings} == {
        "add": "think",
        "hear": "undecided",
        "read": "direct",
        "see": "direct",
    }
    for one in done.findings:
        assert one.pairs == EACH
        assert (one.thinking_rate, one.direct_rate) == pytest.approx(RATES[one.task], abs=0.15)
        assert one.low <= one.gain <= one.high
        assert (one.needed is not None and one.needed > EACH) == (one.mode == "undecided")
        assert (one.thinking_cut, one.thinking_tokens > 0) == (0, True)
    wants = {"add": "plain", "hear": "plain", "read": "direct", "see": "direct"}
    assert chosen(workspace) == wants


def test_the_interval_is_that_of_paired_rates(asked: Asked) -> None:
    workspace, _ = asked
    (row,) = workspace.catalog.rows("from think_modes where task = 'hear'")
    rates = workspace.catalog.rows(
        "select sample_id, (view->>'$.thinking')::boolean as thinking, "
        "avg(correct::integer) as rate from graded join samples using (sample_id) "
        "where task = 'hear' group by all"
    )
    by = {(one["sample_id"], one["thinking"]): one["rate"] for one in rates}
    gains = [by[key, True] - by[key, False] for key in {one["sample_id"] for one in rates}]
    expected = Paired(len(gains), sum(gains), sum(gain**2 for gain in gains))
    assert (row["ci_low"], row["ci_high"]) == pytest.approx(expected.interval)
    assert row["gain"] == pytest.approx(expected.difference)
    assert (row["thinking_n"], row["direct_n"]) == (EACH, EACH)
    assert (row["thinking_template"], row["direct_template"]) == ("plain", "direct")


def test_it_never_mixes_into_difficulty(asked: Asked) -> None:
    assert asked[0].catalog.rows("from difficulty") == []


def test_modes_are_of_one_policy_and_one_way_to_draw(asked: Asked) -> None:
    workspace, _ = asked
    one = trial(workspace)
    assert chosen(workspace, sampling_id=one.asker.sampling.sampling_id) == chosen(workspace)
    assert chosen(workspace, sampling_id="another") == {}
    assert chosen(workspace, reward_ids=["another"]) == {}
    assert modes(workspace.catalog, "another", thinking="plain") == {}
    assert modes(workspace.catalog, one.asker.policy.policy_id, thinking="boxed") == {}


def test_the_margin_of_the_view_is_the_margin_of_the_code() -> None:
    views = Path(__file__).parents[3] / "pipelines" / "catalog" / "schema" / "views.sql"
    assert f"middle + half < {MARGIN}" in views.read_text()


@pytest.mark.slow
def test_the_same_again_asks_nothing_even_for_a_new_grader_and_more_asks_the_difference(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = filled(workspace, 6)
    assert trial(workspace, answers=2).estimate(ids).rollouts == 24
    assert trial(workspace, answers=2).run(ids).rollouts == 24
    assert trial(workspace, answers=2).estimate(ids).rollouts == 0
    assert trial(workspace, answers=3, samples=4).estimate(ids).rollouts == 8
    monkeypatch.setitem(REWARDS, "number", replace(REWARDS["number"], version=99))
    again = trial(workspace, answers=2).run(ids)
    assert (again.rollouts, again.open_samples, len(again.findings)) == (0, 0, 1)
    assert again.findings[0].pairs == 6


@pytest.mark.slow
def test_a_budget_leaves_pairs_and_the_next_call_goes_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.scoring.think.TOGETHER", 3)
    ids = filled(workspace, 6)
    first = trial(workspace, answers=2).run(ids, budget=Budget(rollouts=16))
    assert (first.rollouts, first.stopped_by, first.open_samples) == (16, "rollouts", 3)
    assert first.findings[0].pairs == 3
    last = trial(workspace, answers=2).run(ids)
    assert (last.rollouts, last.stopped_by, last.open_samples) == (8, "", 0)
    assert last.findings[0].pairs == 6


@pytest.mark.slow
def test_a_task_of_several_kinds_is_answered_directly_only_where_all_of_them_are(
    workspace: Workspace,
) -> None:
    def script(request: Request, k: int, seed: int) -> str:
        number = number_of(request)
        # Words want thinking here, numbers do not.
        return str(number + 1) if number < EACH else "yes" if request.thinking else "hm"

    samples = sums(2 * EACH)
    words = [replace(sample, answer=Answer.text("yes")) for sample in samples[EACH:]]
    ids = keep(workspace, [*samples[:EACH], *words])
    done = trial(workspace, script, answers=1, batch=200).run(ids)
    assert [one.mode for one in done.findings] == ["direct", "think"]
    assert chosen(workspace, script) == {"sums/add": "plain"}
    number = REWARDS["number"].reward_id
    assert chosen(workspace, script, reward_ids=[number]) == {"sums/add": "direct"}


@pytest.mark.parametrize(("thinks", "direct"), [("direct", "direct"), ("plain", "boxed")])
def test_two_templates_of_one_mind_are_refused(
    workspace: Workspace, thinks: str, direct: str
) -> None:
    who = replace(asker(workspace, by_task), template=TEMPLATES[thinks])
    with pytest.raises(WrongUse, match="compare one that thinks"):
        ThinkTrial(workspace.catalog, who, TEMPLATES[direct])


def test_only_a_template_without_thinking_says_so() -> None:
    assert "thinking" not in TEMPLATES["plain"].content
    assert '"thinking":false' in DIRECT.content
    thinks, does_not = PromptTemplate(name="x"), PromptTemplate(name="x", thinking=False)
    assert thinks.template_id != does_not.template_id
    (sample,) = sums(1)
    for template in (TEMPLATES["plain"], DIRECT):
        assert render(sample, template, lambda _: b"").thinking is template.thinking


def test_ids_of_templates_from_before_hold() -> None:
    """Evidence in people's catalogs is stored under them."""
    known = {"name": "plain", "version": 1, "system": "", "instruction": "", "audio": "log-mel"}
    assert TEMPLATES["plain"].template_id == content_hash(known | {"max_pixels": 1_000_000})


def test_a_trainer_is_told_once_or_refused() -> None:
    plain, hybrid = TEMPLATES["plain"], "{% if enable_thinking is false %}…"
    assert chat_options([plain, DIRECT], "{{ m }}") == {}
    assert chat_options([plain], hybrid) == {}
    assert chat_options([DIRECT, DIRECT], hybrid) == {"enable_thinking": False}
    with pytest.raises(WrongUse, match="runs of their own"):
        chat_options([plain, DIRECT], hybrid)
