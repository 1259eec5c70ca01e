"""Converted questions through the whole loop: asked, scored, and laid out as Curr-ReFT's stages."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from flows.cli.main import run
from pipelines.catalog.samples import add_samples
from pipelines.curation.curate import curate
from pipelines.curation.ids import Ids
from pipelines.curation.kinds import Kind, Pool
from pipelines.curation.layout import lay_out
from pipelines.curation.plans import Order, Plan
from pipelines.curation.shards import read_rows
from pipelines.forms.convert import convert
from pipelines.policies.policy import Request, Sampling
from pipelines.policies.scripted import ScriptedPolicy
from pipelines.policies.templates import TEMPLATES
from pipelines.record.canonical import Json
from pipelines.record.sample import Answer, Reference, Sample, ask
from pipelines.rewards import grade
from pipelines.scoring.ask import Asker
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.workspace import Workspace, validated

COLOURS = ("red", "green", "blue", "grey")


def sums(count: int) -> list[Sample]:
    return [
        Sample(
            prompt=ask(f"{i}+1"),
            answer=Answer.number(i + 1),
            task="sums/add",
            corpus="sums",
            source_ref=f"train/{i}",
            licence="CC0-1.0",
        )
        for i in range(count)
    ]


def script(request: Request, k: int, seed: int) -> str:
    """Work out `i+1` in whatever form it is asked, sometimes wrongly; what is large is harder."""
    first, *lines = request.messages[-1]["content"][0]["text"].split("\n")
    number = int(first.split("+")[0])
    knows = np.random.default_rng([seed, k, number]).random() < 0.9 - 0.03 * number
    given = number + 1 if knows else -1
    if lines and "Is the answer" in lines[-1]:
        claimed = int(lines[-1].removeprefix("Is the answer ").split("?")[0])
        return "=yes" if claimed == given else "=no"
    letters = [line[0] for line in lines if line[1:] == f") {given}"]
    return f"={letters[0] if letters else 'A'}" if len(lines) > 1 else f"={given}"


def add(workspace: Workspace, samples: list[Sample]) -> None:
    with workspace.catalog.write() as connection:
        add_samples(connection, samples)


def scored(workspace: Workspace) -> None:
    sampling = replace(Sampling(), max_tokens=20)
    who = Asker(ScriptedPolicy(script), TEMPLATES["plain"], sampling, workspace.media.read)
    ids = [row["sample_id"] for row in workspace.catalog.rows("select sample_id from samples")]
    PassRateJob(workspace.catalog, who, StoppingRule(cap=8), batch=64).run(ids)


SEEN = replace(sums(1)[0], corpus="exam", split="test", source_ref="test/0")
"""A question that turns up in a test split: its whole family has to leave."""


@pytest.fixture(scope="module")
def converted(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Sums in all three forms, scored; one was seen in a test split after its conversion."""
    workspace = Workspace(tmp_path_factory.mktemp("converted") / "w")
    add(workspace, sums(24))
    assert convert(workspace, "choice").new == 24
    assert convert(workspace, "yes-no").new == 24
    add(workspace, [SEEN])
    scored(workspace)
    return workspace


def test_converted_families_are_curated_into_three_stages(converted: Workspace) -> None:
    plan = validated(
        {
            "name": "staged",
            "include_views": True,
            "band": {"low": 0, "high": 1},
            "order": {"by": "answer-form"},
        },
        Plan,
        "staged.toml",
    )
    frozen = curate(converted, plan)
    rows = [row for row in read_rows(Path(frozen.folder)) if not row["padded"]]
    assert [row["stage"] for row in rows] == sorted(row["stage"] for row in rows)
    kinds = ["bool", "choice", "number"]
    assert [kinds[row["stage"]] for row in rows] == [row["answer_kind"] for row in rows]
    assert {row["stage"] for row in rows} == {0, 1, 2}
    families = {row["parent_id"] or row["sample_id"] for row in rows}
    assert SEEN.sample_id not in families
    for stage in range(3):  # easy to hard, above guessing
        eases = [ease(row) for row in rows if row["stage"] == stage]
        assert eases == sorted(eases, reverse=True)
        assert len(set(eases)) > 1


def ease(row: dict[str, Any]) -> float:
    guess = Answer.from_json(json.loads(row["answer"])).guess_rate
    rate: float = row["pass_rate"]
    return round(max(0.0, (rate - guess) / (1 - guess)), 6)


def test_each_stage_is_graded_by_the_reward_of_its_form(converted: Workspace) -> None:
    graded = converted.catalog.rows(
        "select answer_kind, reward_id, avg(correct::integer) as rate from graded "
        "join samples using (sample_id) group by all order by all"
    )
    names = {row["answer_kind"]: row["reward_id"].partition("@")[0] for row in graded}
    assert names == {"bool": "bool", "choice": "choice", "number": "number"}
    assert all(0 < row["rate"] < 1 for row in graded)
    rates = converted.catalog.rows(
        "select distinct answer_kind, guess_rate from samples order by 1"
    )
    assert [row["guess_rate"] for row in rates] == [0.5, 0.25, 0]


def test_a_family_has_one_split(converted: Workspace) -> None:
    families = converted.catalog.rows(
        "select family_id, list(distinct split) as splits, count(*) as n from candidates group by all"
    )
    assert [row["n"] for row in families] == [3] * 24
    assert all(len(row["splits"]) == 1 for row in families)
    tests = [row["family_id"] for row in families if row["splits"] == ["test"]]
    assert tests == [SEEN.sample_id]


def kind(name: str, successes: int, guess_rate: float) -> Kind:
    return Kind(
        task="t",
        modality="text",
        answer_kind=name,
        guess_rate=guess_rate,
        tries=8,
        successes=successes,
    )


def test_several_letters_are_a_choice_and_a_set_of_things_is_open() -> None:
    letters = Answer(kind="set", value=["A", "C"], options=COLOURS)
    assert letters.guess_rate == 1 / 15
    kinds = [
        kind("set", 8, 0.0),
        kind("set", 4, letters.guess_rate),
        kind("choice", 8, 0.25),
        kind("bool", 5, 0.5),
    ]
    pool = Pool(Ids.of(f"{i:032x}" for i in range(4)), np.arange(4, dtype=np.int32), kinds)
    laid = lay_out(pool, np.arange(4), Order(by="answer-form", prompts_per_step=1))
    assert laid.rows.tolist() == [3, 2, 1, 0]
    assert laid.stages.tolist() == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("said", "value"), [("A, C", 1), ("blue and red", 1), ("A", 0), ("A, B, C", 0), ("A B C D", 0)]
)
def test_of_several_letters_only_the_very_set_has_a_value(said: str, value: float) -> None:
    letters = Reference(Answer(kind="set", value=["A", "C"], options=COLOURS))
    score = grade(letters, said)
    assert (score.value, score.correct) == (value, value == 1)


def test_an_open_set_is_worth_what_is_shared_and_the_same_from_both_sides() -> None:
    rng = np.random.default_rng(3)
    names = ["red", "green", "blue", "grey", "pink"]
    for _ in range(60):
        one, other = (
            [names[i] for i in rng.permutation(5)[: rng.integers(1, 6)]] for _ in range(2)
        )
        there = grade(Reference(Answer(kind="set", value=one)), json.dumps(other))
        back = grade(Reference(Answer(kind="set", value=other)), json.dumps(one))
        assert there.value == back.value == len({*one} & {*other}) / len({*one} | {*other})
        assert there.correct is (there.value == 1) is (set(one) == set(other))


STAGES: list[tuple[str, Json, tuple[str, ...]]] = [
    ("bool", True, ()),
    ("choice", "B", COLOURS),
    ("set", ["A", "C"], COLOURS),
    ("set", ["red", "blue"], ()),
    ("number", "15", ()),
    ("text", "dark blue", ()),
    ("box", [10, 20, 30, 40], ()),
]
FUZZ = [
    "",
    "no, yes",
    "not correct",
    "1",
    "dark",
    "15 16",
    "A, B, C, D",
    "I cannot help with that.",
]


@pytest.mark.parametrize(("kind", "value", "options"), STAGES, ids=str)
def test_no_stage_pays_for_what_the_published_rewards_paid(
    kind: str, value: Json, options: tuple[str, ...]
) -> None:
    gold = Reference(Answer(kind=kind, value=value, options=options))  # type: ignore[arg-type]
    scores = {fuzz: grade(gold, fuzz) for fuzz in FUZZ}
    assert {fuzz: s for fuzz, s in scores.items() if s.correct is not False or s.value} == {}


Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    def call(*words: object) -> tuple[int, str, str]:
        code = run([*map(str, words), "--workspace", str(tmp_path / "w")])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_the_command_tells_what_became_of_the_samples(cli: Cli) -> None:
    cli("ingest", "sums", "--size", 50)
    code, out, _ = cli("augment", "forms", "--options", 3, "--json")
    choice, claim = json.loads(out)
    assert (code, choice["form"], claim["form"]) == (0, "choice", "yes-no")
    assert choice["views"] == choice["new"] > 25
    assert max(choice["answers"].values()) - min(choice["answers"].values()) <= 1
    code, out, _ = cli("augment", "forms", "yes-no")
    assert (
        f"as-yes-no@1: {claim['views']} of {claim['parents']} samples are asked so (0 new)" in out
    )
    code, _, err = cli("augment", "forms", "--options", 1)
    assert (code, "options" in err) == (2, True)
