"""Benchmark leaks: every class that can be seen is, innocents stay, and evidence is kept."""

import pytest
from planted import CHANGED, cropped, encoded, figure, keep, sample

from pipelines.clean.cleaning import clean
from pipelines.clean.findings import findings
from pipelines.record.sample import Answer
from pipelines.workspace import Workspace

ASKED = "How large is the marked angle of this figure, in degrees?"
LONG = (
    "A train leaves the station at 7 in the morning and drives 60 kilometres an hour, another "
    "one follows after 2 hours with 90 kilometres an hour. After how many hours do they meet?"
)


def verdicts(workspace: Workspace) -> dict[str, str]:
    rows = workspace.catalog.rows(
        "select s.source_ref, l.verdict from leaks l join sources s using (sample_id)"
    )
    return {row["source_ref"]: row["verdict"] for row in rows}


@pytest.mark.parametrize("figures", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_leaked_pictures_of_every_class_are_found(workspace: Workspace, figures: int) -> None:
    tests = [
        sample(ASKED, Answer.number(10 + i), encoded(figure(i)), corpus="exam", ref=f"{i}")
        for i in range(figures)
    ]
    pool = [
        sample(ASKED, Answer.number(10 + i), change(figure(i)), ref=f"{name} {i}")
        for name, change in CHANGED.items()
        for i in range(figures)
    ]
    keep(workspace, tests, benchmark=True)
    keep(workspace, pool)
    summary = clean(workspace)
    assert verdicts(workspace) == {one.source_ref: "leak" for one in pool}
    assert sum(summary.leaks["exam"].values()) == len(pool)


@pytest.mark.parametrize(
    ("asked", "leaked"),
    [
        ("What is the sum?", "what is the sum"),
        (r"Solve $\frac{x}{2}=3$ for x.", r"Solve \( \dfrac {x} {2} = 3 \) for x"),
        (LONG, f"Think step by step and box the answer. {LONG} Give a whole number."),
        (LONG, LONG.replace("drives", "goes")),
    ],
)
def test_leaked_texts_are_found(workspace: Workspace, asked: str, leaked: str) -> None:
    keep(workspace, [sample(asked, Answer.number(4), corpus="exam")], benchmark=True)
    keep(workspace, [sample(leaked, Answer.number(4), ref="leaked")])
    clean(workspace)
    assert verdicts(workspace) == {"leaked": "leak"}


def test_leaked_options_are_known_in_another_order_and_without_any(workspace: Workspace) -> None:
    stem = "Which of these many colours has the longest wave of all?"
    first = sample(f"{stem}\n(A) red\n(B) blue", Answer.choice("A", ["red", "blue"]), corpus="exam")
    turned = sample(f"{stem}\nA. blue\nB. red", Answer.choice("B", ["blue", "red"]), ref="turned")
    keep(workspace, [first], benchmark=True)
    keep(workspace, [turned, sample(stem, Answer.text("red"), ref="open")])
    clean(workspace)
    assert verdicts(workspace) == {"turned": "leak", "open": "leak"}


def test_innocents_are_not_leaks(workspace: Workspace) -> None:
    picture = encoded(figure(0, 7))
    yes = Answer.bool(True)
    exam = [
        sample(ASKED, Answer.number(30), picture, corpus="exam", ref="e1"),
        sample("Is there a red triangle?", yes, encoded(figure(5)), corpus="exam", ref="e2"),
        sample(LONG, Answer.number(4), corpus="exam", ref="e3"),
    ]
    keep(workspace, exam, benchmark=True)
    keep(
        workspace,
        [
            sample(ASKED, Answer.number(30), encoded(figure(1)), ref="another figure"),
            sample(ASKED, Answer.number(30), encoded(figure(0, 4)), ref="another number in it"),
            sample(LONG.replace("60", "50"), Answer.number(5), ref="other numbers"),
            sample("How many sides are blue?", Answer.number(30), picture, ref="same picture"),
            sample("Is a blue line in it?", yes, encoded(figure(5)), ref="same picture, also yes"),
        ],
    )
    clean(workspace)
    assert verdicts(workspace) == {
        "same picture": "same picture",
        "same picture, also yes": "same picture",
    }


def test_crops_and_paraphrases_are_not_seen(workspace: Workspace) -> None:
    """A limit, not a wish: seeing these takes embeddings."""
    exam = [
        sample(ASKED, Answer.number(30), encoded(figure(0)), corpus="exam", ref="e1"),
        sample(LONG, Answer.number(4), corpus="exam", ref="e2"),
    ]
    keep(workspace, exam, benchmark=True)
    told = "Two trains start 2 hours apart at 60 and 90 km/h, the first at 7. When are they level?"
    keep(
        workspace,
        [
            sample(ASKED, Answer.number(30), encoded(cropped(figure(0))), ref="cropped"),
            sample(told, Answer.number(4), ref="paraphrased"),
        ],
    )
    clean(workspace)
    assert verdicts(workspace) == {}


def test_a_leak_stands_in_the_candidates_with_its_family_and_evidence(workspace: Workspace) -> None:
    exam = [sample(LONG, Answer.number(4), corpus="exam", ref="e1")]
    leaked = sample(LONG.upper(), Answer.number(4), ref="leaked")
    sibling = sample("What else?", Answer.number(9), ref="sibling", parent=leaked.sample_id)
    keep(workspace, [leaked, sibling, sample("What now?", Answer.number(1), ref="free")])
    clean(workspace)
    keep(workspace, exam, benchmark=True)
    clean(workspace)
    rows = workspace.catalog.rows(
        "select o.source_ref as ref, c.leak, c.split from candidates c join sources o using (sample_id) "
        "order by ref"
    )
    assert [(row["ref"], row["leak"]) for row in rows if row["ref"] != "e1"] == [
        ("free", None),
        ("leaked", "exam"),
        ("sibling", "exam"),
    ]
    assert {row["split"] for row in rows if row["ref"] == "e1"} == {"test"}
    (found,) = findings(workspace.catalog, "leaks", 5)
    assert found["other_record"] == "exam e1"
    assert found["text_similarity"] == 1.0
    (row,) = workspace.catalog.rows("select benchmark_revision from leaks")
    assert row["benchmark_revision"] == "r1"
