"""What is dropped before it enters the catalog, and why."""

from dataclasses import replace

import pytest

from pipelines.clean.screen import (
    SCREEN,
    has_checkable_answer,
    has_prompt,
    has_whole_steps,
    is_not_given_away,
    lies_in_its_picture,
    prompt_fits,
)
from pipelines.record.media import MediaFacts
from pipelines.record.sample import Answer, Sample, ask
from pipelines.record.steps import Reject, Verdict, keep_if, run


def make_sample(text: str = "How many?", answer: Answer | None = None) -> Sample:
    return Sample(
        prompt=ask(text),
        answer=answer or Answer.number(4),
        task="t",
        corpus="c",
        source_ref=f"r:{text[:9]}",
    )


def test_a_plain_question_passes_every_rule() -> None:
    assert all(rule(make_sample()).keep for rule in SCREEN)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer.text("  "), "no_answer"),
        (Answer(kind="number", value=None), "no_answer"),
        (Answer(kind="smell", value="rose"), "no_reward"),  # type: ignore[arg-type]
        (Answer(kind="set", value=[]), "no_answer"),
        (Answer(kind="set", value=["?!"]), "answer_not_verifiable"),
        (Answer(kind="set", value="red"), "answer_not_verifiable"),
        (Answer(kind="box", value=[5, 5, 5, 9]), "answer_not_verifiable"),
        (Answer(kind="box", value=[5, 5, 9]), "answer_not_verifiable"),
        (Answer(kind="box", value=["nan", 5, 9, 9]), "answer_not_verifiable"),
        (Answer(kind="box", value=["1e999", 5, 9, 9]), "answer_not_verifiable"),
        (Answer(kind="boxes", value=[[0, 0, 5, 5], [9, 9, 9, 9]]), "answer_not_verifiable"),
        (Answer(kind="boxes", value=[]), "no_answer"),
        (Answer(kind="point", value=[1, 2, 3]), "answer_not_verifiable"),
        (Answer(kind="point", value=[1, 2], tolerance="near"), "answer_not_verifiable"),
        (Answer(kind="point", value=[1, 2], tolerance="inf"), "answer_not_verifiable"),
        (Answer.number(4, tolerance="a bit"), "answer_not_verifiable"),
        (Answer.number(4, tolerance="-1"), "answer_not_verifiable"),
        (Answer(kind="number", value="about four"), "answer_not_verifiable"),
        (Answer(kind="choice", value="C", options=("a", "b")), "answer_not_verifiable"),
        (Answer.text("?!"), "answer_not_verifiable"),
        (Answer.text("a\x07b"), "answer_not_verifiable"),
        (Answer(kind="math", value="}{"), "answer_not_verifiable"),
    ],
)
def test_an_answer_that_no_reward_can_check_is_rejected(answer: Answer, reason: str) -> None:
    assert has_checkable_answer(make_sample(answer=answer))[:2] == (False, reason)


@pytest.mark.parametrize(
    "answer",
    [
        Answer(kind="box", value=[0, 0, 5, 5]),
        Answer(kind="box", value=["0.5", 0, "5.25", 5]),
        Answer(kind="boxes", value=[[0, 0, 5, 5], [1, 1, 9, 9]]),
        Answer(kind="point", value=[0, 0, 5, 5]),
        Answer(kind="point", value=[3, 4], tolerance="10"),
        Answer(kind="set", value=["salt and pepper", "a, b"]),
        Answer(kind="set", value=["A", "B"], options=("cat", "dog")),
        Answer.number("0.1", tolerance="1%", unit="km"),
        Answer.number(25, unit="%"),
    ],
)
def test_an_answer_of_every_kind_can_pass(answer: Answer) -> None:
    assert has_checkable_answer(make_sample(answer=answer)).keep


def test_a_key_step_that_names_nothing_is_rejected() -> None:
    assert has_whole_steps(replace(make_sample(), steps=("3+4=7", "so 7"))).keep
    verdict = has_whole_steps(replace(make_sample(), steps=("3+4=7", " ?! ")))
    assert verdict == Verdict(False, "empty_step", "step 2 of 2")


@pytest.mark.parametrize(
    ("answer", "inside"),
    [
        (Answer(kind="box", value=[0, 0, 48, 32]), True),
        (Answer(kind="box", value=[0, 0, "48.9", 32]), True),
        (Answer(kind="box", value=[0, 0, 50, 32]), False),
        (Answer(kind="box", value=[-3, 0, 9, 9]), False),
        (Answer(kind="boxes", value=[[0, 0, 9, 9], [0, 0, 9, 99]]), False),
        (Answer(kind="point", value=[20, 40], tolerance="5"), False),
        (Answer.number(4000), True),
    ],
)
def test_a_box_lies_in_its_picture(answer: Answer, inside: bool) -> None:
    picture = MediaFacts("m", "image", 1, "h", width=48, height=32)
    verdict = lies_in_its_picture(make_sample(answer=answer), [picture])
    assert verdict.keep is inside
    assert inside or verdict.reason == "answer_outside_picture"
    assert not lies_in_its_picture(
        make_sample(answer=Answer(kind="box", value=[0, 0, 1, 1])), []
    ).keep


def test_a_question_that_asks_nothing_is_rejected() -> None:
    assert has_prompt(make_sample(" \n")).reason == "empty_prompt"
    assert has_prompt(make_sample("how\x00many")).reason == "bad_prompt"


def test_a_prompt_has_a_longest_length() -> None:
    assert prompt_fits(5)(make_sample("12345")).keep
    assert prompt_fits(5)(make_sample("123456")).reason == "prompt_too_long"


def test_a_question_that_answers_itself_is_rejected() -> None:
    assert is_not_given_away(make_sample("Say the number 4")).reason == "answer_in_question"
    assert is_not_given_away(make_sample("What is 2+2?")).keep


def test_a_screened_sample_keeps_where_it_came_from() -> None:
    records = run([make_sample(" ")], *(keep_if(rule, stage="screen") for rule in SCREEN))
    assert list(records) == [Reject("c", "r: ", "screen", "empty_prompt")]
