"""Duplicates: what is one is found, whatever its bytes; what only looks like it is left alone."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from planted import CHANGED, encoded, figure, keep, sample

from pipelines.clean.cleaning import clean
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Sample, ask
from pipelines.workspace import Workspace

ASKED = "How large is the marked angle of this figure, in degrees?"
LONG = (
    "Tom has {} apples in his basket and gives each of his friends two of them before he goes "
    "home to bake a cake for his mother who likes fruit a lot. How many apples are there in the "
    "basket when he comes home in the evening?"
)


def repeated(workspace: Workspace) -> list[tuple[str, str]]:
    """Give the records that repeat one that stays, with the one that stays."""
    rows = workspace.catalog.rows(
        "select a.source_ref as gone, b.source_ref as stays from duplicates d "
        "join sources a on a.sample_id = d.sample_id join sources b on b.sample_id = d.keeper_id "
        "order by all"
    )
    return [(row["gone"], row["stays"]) for row in rows]


@pytest.mark.parametrize("figures", [3, pytest.param(40, marks=pytest.mark.slow)])
def test_copies_of_every_class_are_found(workspace: Workspace, figures: int) -> None:
    originals = [
        sample(ASKED, Answer.number(10 + i), encoded(figure(i)), ref=f"{i:02}")
        for i in range(figures)
    ]
    copies = [
        sample(f"{ASKED.upper()} ", Answer.number(10 + i), change(figure(i)), ref=f"{i:02} {name}")
        for name, change in CHANGED.items()
        for i in range(figures)
    ]
    keep(workspace, [*originals, *copies])
    clean(workspace)
    found = repeated(workspace)
    assert {gone for gone, _ in found} == {copy.source_ref for copy in copies}
    assert all(gone.split()[0] == stays for gone, stays in found)


def test_innocents_stay(workspace: Workspace) -> None:
    picture, other = encoded(figure(0, 7)), encoded(figure(1, 7))
    keep(
        workspace,
        [
            sample(ASKED, Answer.number(30), picture, ref="one"),
            sample(ASKED, Answer.number(30), other, ref="same template, another figure"),
            sample(ASKED, Answer.number(30), encoded(figure(0, 4)), ref="another number in it"),
            sample(ASKED, Answer.number(40), encoded(figure(0, 1)), ref="and another answer"),
            sample("How many triangles?", Answer.number(30), picture, ref="another question"),
            sample("What is the angle on the left?", Answer.number(5), picture, ref="left"),
            sample(
                "What is the angle on the left?", Answer.number(5), CHANGED["mirrored"](figure(0)),
                ref="left, mirrored",
            ),
            sample(LONG.format(5), Answer.number(3), ref="a word problem"),
            sample(LONG.format(9), Answer.number(3), ref="the same with another number"),
            sample(LONG.format("red"), Answer.number(3), ref="red"),
            sample(LONG.format("green"), Answer.number(3), ref="green"),
            sample("What is 3 - 5?", Answer.number(-2), ref="minus"),
            sample("What is 3 + 5?", Answer.number(8), ref="plus"),
        ],
    )  # fmt: skip
    summary = clean(workspace)
    assert (summary.duplicates, summary.conflicts) == ({}, {})


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (r"What is $\frac{1}{2}x + 1{,}000$?", r"what is  $ \dfrac12 x+1{,}000 $"),
        ("It costs 1,000.50 dollars to run; why?", "It costs 1000.5 dollars to run, why?"),
        (LONG.format(5), LONG.format(5).replace("cake", "pie")),
    ],
)
def test_one_question_in_other_words_is_one(workspace: Workspace, first: str, second: str) -> None:
    keep(
        workspace,
        [sample(first, Answer.number(3), ref="a"), sample(second, Answer.number(3), ref="b")],
    )
    clean(workspace)
    assert repeated(workspace) == [("b", "a")]


def test_options_in_another_order_are_the_same_question(workspace: Workspace) -> None:
    first = sample("Which?\n(A) red\n(B) blue", Answer.choice("A", ["red", "blue"]), ref="a")
    second = sample("Which?\nA. blue\nB. red", Answer.choice("B", ["blue", "red"]), ref="b")
    rival = sample("Which?\n(A) red\n(B) blue ", Answer.choice("B", ["red", "blue"]), ref="c")
    keep(workspace, [first, second, rival])
    summary = clean(workspace)
    assert repeated(workspace) == [("b", "a")]
    assert sum(summary.conflicts.values()) == 1
    (row,) = workspace.catalog.rows("select a_id, b_id from near_conflicts")
    assert set(row.values()) == {first.sample_id, rival.sample_id}
    flagged = workspace.catalog.rows("select sample_id from candidates where conflicting")
    assert {row["sample_id"] for row in flagged} == {first.sample_id, rival.sample_id}


def test_a_clip_is_known_in_another_format(workspace: Workspace) -> None:
    tone = (9000 * np.sin(np.arange(4000) / 9)).astype(np.int16)
    clips = []
    for form in ("WAV", "FLAC"):
        buffer = io.BytesIO()
        soundfile.write(buffer, tone, 8000, format=form, subtype="PCM_16")
        clip = Media.of_bytes(buffer.getvalue(), "audio")
        prompt, answer = ask("Which note?", clip), Answer.text("a")
        facts = {"task": "t", "corpus": "pool", "source_ref": form}
        clips.append(Sample(prompt=prompt, answer=answer, media=(clip,), **facts))  # type: ignore[arg-type]
    keep(workspace, clips)
    clean(workspace)
    assert repeated(workspace) == [("WAV", "FLAC")]


def test_what_repeats_a_test_sample_goes_and_its_family_is_test(workspace: Workspace) -> None:
    tested = sample("What is 2 + 2?", Answer.number(4), corpus="z", ref="z", split="test")
    trained = sample("what is 2+2", Answer.number(4), corpus="a", ref="a")
    sibling = sample("What is 2 + 3?", Answer.number(5), corpus="a", parent=trained.sample_id)
    keep(workspace, [tested])
    keep(workspace, [trained, sibling])
    clean(workspace)
    assert repeated(workspace) == [("a", "z")]
    splits = workspace.catalog.rows("select distinct split from sample_splits")
    assert splits == [{"split": "test"}]
    rows = workspace.catalog.rows(
        "select sample_id, duplicate_of from candidates where duplicate_of is not null"
    )
    assert rows == [{"sample_id": trained.sample_id, "duplicate_of": tested.sample_id}]


@pytest.mark.slow
def test_findings_do_not_depend_on_the_order_of_ingests(tmp_path: Path) -> None:
    batches = [
        [sample(ASKED, Answer.number(i), change(figure(i)), corpus=name.replace(" ", ""), ref=f"{i}")
         for i in range(3)]
        for name, change in list(CHANGED.items())[:3]
    ]  # fmt: skip
    found = []
    for name, order in (("forth", batches), ("back", batches[::-1])):
        workspace = Workspace(tmp_path / name)
        for batch in order:
            keep(workspace, batch)
            clean(workspace)
        found.append(
            [
                workspace.catalog.rows(f"select * exclude (found_at) from {table} order by all")
                for table in ("alike", "duplicates")
            ]
            + [workspace.catalog.rows("from joined_families order by all")]
        )
    assert found[0] == found[1]
    assert len(found[0][1]) == 6


@pytest.mark.slow
def test_nothing_is_compared_again_until_something_comes(workspace: Workspace) -> None:
    keep(workspace, [sample("What is 1 + 1?", Answer.number(2), ref="a")])
    assert not clean(workspace).unchanged
    assert clean(workspace).unchanged
    keep(workspace, [sample("what is 1+1", Answer.number(2), ref="b")])
    assert clean(workspace).duplicates == {"same question and media": 1}
