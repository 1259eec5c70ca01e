"""The cookbook: every question of docs/cookbook.md, asked of a small world whose answers are known."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy.special import betaln
from small_catalog import add, choice_question, picture_question, sum_question

from pipelines.catalog.catalog import Connection
from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.guarded import guarded
from pipelines.catalog.ledger import Unit, append, begin, commit
from pipelines.catalog.ledger import plan as plan_units
from pipelines.catalog.samples import add_rejects
from pipelines.record.sample import Answer, Sample
from pipelines.record.steps import Reject
from pipelines.workspace import Workspace

BOOK = (Path(__file__).parents[3] / "docs" / "cookbook.md").read_text()
QUESTIONS = dict(re.findall(r"^### (.+?)\n.*?```sql\n(.*?)```", BOOK, re.DOTALL | re.MULTILINE))

Told = tuple[str, bool | None, int]
"""An answer, whether it is right, and its tokens."""

EASY, HALF, MISLABELLED, HARD = (sum_question(i) for i in range(4))
SEARCHED, BLIND, SEEN = (picture_question(i) for i in range(3))
CHOICE = choice_question(0)
TESTED = sum_question(9, split="test")
RIVALS = sum_question(7), sum_question(7, answer=Answer.number(99), source_ref="train/70")
LEAKED = sum_question(20)
VIEW = replace(HALF, parent=HALF.sample_id, history=({"name": "noise"},))
RIGHT: Told = ("=r", True, 4)
WRONG: Told = ("=w", False, 4)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    workspace = Workspace(tmp_path_factory.mktemp("world") / "w", lock_timeout=20)
    originals = [EASY, HALF, MISLABELLED, HARD, SEARCHED, BLIND, SEEN, CHOICE, TESTED]
    add(workspace, [*originals, *RIVALS, LEAKED, VIEW])
    with workspace.catalog.write() as connection:
        _scored(connection)
        _trained(connection)
        _noted(connection)
    return workspace


def _scored(connection: Connection) -> None:
    """Store what policies answered when they were asked how hard the samples are."""
    various: list[Told] = [(f"1\n={i}", False, 9) for i in (1, 2, 3, 4, 5, 6, 7, 7)]
    scored: dict[Sample, list[Told]] = {
        EASY: [("=1", True, 3)] * 8,
        HALF: [("1\n=2", True, 6)] * 4 + [("=3", False, 2)] * 4,
        MISLABELLED: [("2\n=7", False, 4)] * 8,
        HARD: [("=4", True, 5)] + [("=5", False, 3)] * 4 + [("=6", False, 3)] * 3,
        SEARCHED: various,
        BLIND: [("=1", True, 4)] * 8,
        SEEN: [("=2", True, 4)] * 4 + [("=1", False, 4)] * 4,
        CHOICE: [("=A", True, 4)] * 8,
    }
    _tell(connection, "tiny", scored)
    _tell(connection, "tiny", {BLIND: [RIGHT] * 8, SEEN: [WRONG] * 8}, purpose="blind")
    twice = {HALF: [RIGHT] * 4 + [WRONG] * 4}
    _tell(connection, "tiny", twice, purpose="eval", second=[True] * 3 + [False] * 5)
    after = {EASY: [WRONG] * 8, MISLABELLED: [], HALF: [RIGHT] * 4 + [WRONG] * 4}
    _tell(connection, "trained", after | {HARD: [RIGHT] * 8})
    _tell(connection, "other", {SEEN: [RIGHT] * 2}, policy_id="first")
    _tell(connection, "other", {}, policy_id="second")
    unit = Unit(job="search", kind="search", round=0, batch=0, inputs=[])
    found = {"sample_id": SEARCHED.sample_id, **_KEYS, "policy_id": "id-of-tiny"}
    found |= {"reward_id": "number@1", "solved": True, "first_success": 3, "model_calls": 11}
    _commit(connection, unit, {"searches": [found | {"created_at": datetime(2026, 1, 2)}]})


_KEYS = {"template_id": "plain", "sampling_id": "warm"}


def _tell(
    connection: Connection,
    policy: str,
    said: Mapping[Sample, Sequence[Told]],
    *,
    purpose: str = "score",
    policy_id: str | None = None,
    second: Sequence[bool] = (),
) -> None:
    policy_id = policy_id or f"id-of-{policy}"
    unit = Unit(job=f"{policy_id}/{purpose}", kind=purpose, round=0, batch=0, inputs=[])
    rollouts = [
        Rollout(
            sample_id=sample.sample_id,
            policy_id=policy_id,
            **_KEYS,
            purpose=purpose,
            origin=unit.job,
            round=0,
            k=k,
            sampling={},
            reward_id="number@1",
            value=float(bool(right)),
            correct=right,
            completion=text,
            prompt_tokens=10,
            completion_tokens=tokens,
        )
        for sample, answers in said.items()
        for k, (text, right, tokens) in enumerate(answers)
    ]
    seen = datetime(2026, 1, 2 if policy_id == "second" else 1)
    row = {"policy_id": policy_id, "name": policy, "kind": "test", "first_seen": seen}
    known = connection.execute("select policy_id from policies").fetchall()
    if (policy_id,) not in known:
        append(connection, "policies", pa.Table.from_pylist([row]))
    plan_units(connection, [unit])
    attempt = begin(connection, unit.unit_id)
    tables = evidence_tables(rollouts, unit.unit_id, attempt)
    if second:
        own = tables["grades"].to_pylist()
        other = [
            grade | {"reward_id": "strict@1", "correct": right}
            for grade, right in zip(own, second, strict=True)
        ]
        tables["grades"] = pa.Table.from_pylist([*own, *other], tables["grades"].schema)
    commit(connection, unit.unit_id, attempt, tables)


def _commit(connection: Connection, unit: Unit, rows: Mapping[str, list[dict[str, Any]]]) -> None:
    plan_units(connection, [unit])
    attempt = begin(connection, unit.unit_id)
    mark = {"unit_id": unit.unit_id, "attempt": attempt}
    tables = {
        name: pa.Table.from_pylist([row | mark for row in some]) for name, some in rows.items()
    }
    commit(connection, unit.unit_id, attempt, tables)


def _trained(connection: Connection) -> None:
    """Freeze a set of three rows and one of padding, with a control, and train on both."""
    _freeze(connection, "demo", [(HALF, 0.5), (HARD, 0.125), (SEEN, 0.5), (HALF, 0.5)], 0.2)
    _freeze(connection, "demo-control", [(EASY, 1.0), (MISLABELLED, 0.0), (BLIND, 1.0)], 0.9)
    asked = {1: (0, 1), 2: (1, 2), 11: (0, 4), 12: (1, 1)}
    plain = {step: ((step - 1) % 2, 2) for step in range(3, 11)}
    _run(connection, "r1", "demo", [HALF, HARD], asked | plain)
    _run(connection, "r2", "demo-control", [EASY, MISLABELLED], {1: (0, 4), 2: (1, 0)})


def _freeze(
    connection: Connection, name: str, rows: Sequence[tuple[Sample, float]], forecast: float
) -> None:
    places = [
        {
            **{"dataset": name, "version": 1, "position": i, "stage": i // 2, "split": "train"},
            **{"sample_id": sample.sample_id, "padded": i == 3, "tries": 8, "pass_rate": rate},
        }
        for i, (sample, rate) in enumerate(rows)
    ]
    told = f'{{"completions": 4, "predicted_low": "{forecast - 0.1}", "predicted_high": "0.95"}}'
    version = {
        **{"dataset": name, "version": 1, "n_rows": len(rows), "manifest": told},
        "kind": "control" if "control" in name else "curated",
        "predicted_zero_advantage": forecast,
    }
    append(connection, "dataset_samples", pa.Table.from_pylist(places))
    append(connection, "datasets", pa.Table.from_pylist([version]))


def _run(
    connection: Connection,
    run: str,
    dataset: str,
    samples: Sequence[Sample],
    asked: Mapping[int, tuple[int, int]],
) -> None:
    """Tell of a run that asked, at each step, one row four times; so many answers were right."""
    row = {"run_id": run, "dataset": dataset, "version": 1, "policy_id": "id-of-tiny"}
    append(connection, "runs", pa.Table.from_pylist([row]))
    for step, (position, right) in asked.items():
        unit = Unit(job=run, kind="train", round=step, batch=0, inputs={})
        alike = right in (0, 4)
        group = {
            **{"run_id": run, "step": step, "slot": 0, "position": position, "came": "planned"},
            **{"sample_id": samples[position].sample_id, "entered": True, "padded": False},
            **{"answers": 4, "graded": 4, "successes": right},
            **{f"noisy_{name}": 0 for name in ("answers", "graded", "successes")},
            **{"abs_advantage": 0.0 if alike else 0.8, "age": 0},
        }
        told = {"run_id": run, "step": step, "reward_mean": right / 4}
        told |= {"zero_advantage_share": float(alike)}
        _commit(connection, unit, {"train_groups": [group], "train_steps": [told]})


def _noted(connection: Connection) -> None:
    dropped = [
        *(Reject("sums", f"train/{i}", "read", "no_answer", "it has none") for i in range(50, 53)),
        Reject("digits", "train/60", "media", "undecodable_image", "broken"),
    ]
    leak = {"sample_id": LEAKED.sample_id, "benchmark": "exam", "verdict": "leak"}
    signs = [
        {
            "run_id": "r1",
            "step": step,
            "signature": "ungraded",
            "decision": "warn",
            "detail": f"at {step}",
        }
        for step in (7, 5)
    ]
    add_rejects(connection, dropped)
    row = leak | {"how": "same text", "text_similarity": 1.0}
    append(connection, "leaks", pa.Table.from_pylist([row]))
    append(connection, "signals", pa.Table.from_pylist(signs))


READ, RED, ADD = "digits/read", "How red is it?", "sums/add"
CHOOSE = "Which is number 0?\nA) red\nB) green\nC) blue\nD) grey"
EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "What is in here?": [
        ("colours", "colours/choose", "train", 1, 0),
        ("digits", READ, "train", 3, 0),
        ("sums", ADD, "test", 1, 0),
        ("sums", ADD, "train", 8, 1),
    ],
    "What was rejected, and why?": [
        ("sums", "read", "no_answer", 3, "train/50", "it has none"),
        ("digits", "media", "undecodable_image", 1, "train/60", "broken"),
    ],
    "What leaks a benchmark?": [("exam", "leak", "same text", 1, 1.0)],
    "Where does a sample come from?": [
        ("dataset", "demo@1", "position 0, stage 0"),
        ("record", "sums train/1", "train"),
        ("run", "r1", "from step 1 to 11"),
    ],
    "Which samples of each task are the hardest?": [
        ("colours/choose", CHOOSE, 8, 8, 1.0, "CHOICE"),
        (READ, RED, 0, 8, 0.262, "SEARCHED"),
        (READ, RED, 4, 8, 0.801, "SEEN"),
        (READ, RED, 8, 8, 1.0, "BLIND"),
        (ADD, "2+1", 0, 8, 0.262, "MISLABELLED"),
        (ADD, "3+1", 1, 8, 0.454, "HARD"),
        (ADD, "1+1", 4, 8, 0.801, "HALF"),
    ],
    "How hard is each task?": [
        (ADD, 4, 0.406, 0.25, 0.25),  # rates of 1, 1/2, 0 and 1/8
        (READ, 3, 0.5, 0.333, 0.333),
        ("colours/choose", 1, 1.0, 1.0, 0.0),
    ],
    "What would a plan keep?": [
        ("colours/choose", 0, 0, 0, 1),
        (READ, 1, 0, 1, 1),
        (ADD, 1, 0, 2, 1),
    ],
    "What did search find that sampling did not?": [(READ, RED, 8, 3, 11, "SEARCHED")],
    "How many samples can be solved blind?": [(READ, "tiny", "withheld", 2, 0.5, 0.5)],
    "Which samples flipped between two policies?": [
        ("learned", ADD, "3+1", 0.125, 1.0, "HARD"),
        ("lost", ADD, "0+1", 1.0, 0.0, "EASY"),
    ],
    "Where do labels look wrong?": [(ADD, "2+1", "3", "7", 1.0, 0.143, 8, "MISLABELLED")],
    "What is the most frequent wrong answer to each sample?": [
        (ADD, "2+1", "3", "7", 1, 8),
        (READ, RED, "0", "7", 7, 8),
        (ADD, "3+1", "4", "5", 2, 7),
        (READ, RED, "2", "1", 1, 4),
        (ADD, "1+1", "2", "3", 1, 4),
    ],
    "Which answers are given too often?": [
        ("colours/choose", "A", 8, 8, 1.0),
        (READ, "1", 13, 8, 0.542),
        (READ, "7", 2, 0, 0.083),
        (READ, "2", 5, 4, 0.208),
        (ADD, "7", 8, 0, 0.25),
        (ADD, "3", 4, 0, 0.125),
        (ADD, "5", 4, 0, 0.125),
    ],
    "Are longer answers better?": [(READ, 1, 4.0, 4.0, 0.0), (ADD, 2, 5.5, 2.5, 3.0)],
    # Of eight they agree on seven; each says right of 4 and 3, so that chance makes half.
    "Do two graders agree?": [("number@1", "strict@1", 8, 0.875, 0.5, 0.75)],
    "What did asking cost?": [
        ("tiny", "score", 64, 8, 640, 282, 4.406),
        ("trained", "score", 24, 3, 240, 96, 4.0),
        ("tiny", "blind", 16, 2, 160, 64, 4.0),
        ("tiny", "eval", 8, 1, 80, 32, 4.0),
        ("other", "score", 2, 1, 20, 8, 4.0),
    ],
    "Which versions hold a sample?": [("demo@1", "curated", 0, 0, 8, 0.5)],
    "How do a set and its control compare?": [
        ("demo@1", "curated", 3, 0.375, 0.0, 0.2),
        ("demo-control@1", "control", 3, 0.667, 1.0, 0.9),
    ],
    "Under which licences does a set stand?": [
        ("demo@1", "sums", "CC0-1.0", 2),
        ("demo@1", "digits", "MIT", 1),
    ],
    "How did the pass rate of a run develop?": [
        ("r1", 1, 0.475, 0.0, 10),
        ("r1", 11, 0.625, 0.5, 2),
        ("r2", 1, 0.5, 1.0, 2),
    ],
    "What did training teach?": [
        ("r1", ADD, "1+1", 0.25, 1.0, 0.75, 6, "HALF"),
        ("r1", ADD, "3+1", 0.5, 0.25, -0.25, 6, "HARD"),
    ],
    "Which samples were never asked?": [
        ("r1", 1, 2, READ, "SEEN"),
        ("r2", 1, 2, READ, "BLIND"),
    ],
    "Was training on the set better than on its control?": [
        ("curated", "demo@1", "r1", 12, 0.475, 0.525, 0.083),
        ("control", "demo-control@1", "r2", 2, 0.5, 0.5, 1.0),
    ],
    "Did the forecast hold?": [
        ("demo-control@1", "r2", 0.9, 0.8, 0.95, 1.0, False, 2),
        ("demo@1", "r1", 0.2, 0.1, 0.95, 0.0, False, 2),
    ],
    "What went wrong in a run?": [("r1", "ungraded", 5, 2, "warn", "at 5")],
}
APART = {
    "Which questions have two answers?",
    "Which corpora give groups without signal?",
    "Which evidence is stale?",
}
"""Questions whose answers are checked below, one by one."""


def answers(world: Workspace, question: str) -> list[tuple[Any, ...]]:
    """Ask a question of the book, about `HALF` where it is about one sample."""
    statement = QUESTIONS[question].replace("SAMPLE", HALF.sample_id[:12])
    rows = guarded(world.catalog, statement).to_pylist()
    return [tuple(map(_shown, row.values())) for row in rows]


def _shown(value: Any) -> Any:
    """Fractions to three places, and samples by the names that they have here."""
    if isinstance(value, float):
        return round(value, 3)
    named = {sample.sample_id: name for name, sample in _SAMPLES.items()}
    return named.get(value, value) if isinstance(value, str) else value


_SAMPLES = {name: value for name, value in globals().items() if isinstance(value, Sample)}


def test_the_book_has_at_least_twenty_questions_and_each_is_checked() -> None:
    assert len(QUESTIONS) >= 20
    assert set(QUESTIONS) == set(EXPECTED) | APART
    assert BOOK.count("```sql") == len(QUESTIONS)


@pytest.mark.parametrize("question", EXPECTED)
def test_a_question_of_the_book_gets_the_answer_that_is_known(
    world: Workspace, question: str
) -> None:
    assert answers(world, question) == EXPECTED[question]


def test_rivals_are_named_with_both_answers(world: Workspace) -> None:
    ((count, corpora, given, question),) = answers(world, "Which questions have two answers?")
    assert (count, corpora, question) == (2, ["sums", "sums"], "7+1")
    assert sorted(json.loads(answer)["value"] for answer in given) == ["8", "99"]


def test_groups_without_signal_are_those_of_the_posterior(world: Workspace) -> None:
    def all_right(right: int) -> float:
        a, b = right + 0.5, 8 - right + 0.5
        return float(np.exp(betaln(a + 8, b) - betaln(a, b)))

    found = {row[0]: row[2:] for row in answers(world, "Which corpora give groups without signal?")}
    for corpus, rights in {"colours": [8], "digits": [0, 8, 4], "sums": [8, 4, 0, 1]}.items():
        good = np.mean([all_right(right) for right in rights])
        bad = np.mean([all_right(8 - right) for right in rights])
        assert found[corpus] == pytest.approx((good, bad, good + bad), abs=1e-3)


def test_evidence_of_a_replaced_policy_is_stale(world: Workspace) -> None:
    (row,) = answers(world, "Which evidence is stale?")
    assert row[:5] == ("other", "first", "number@1", 1, 2)
