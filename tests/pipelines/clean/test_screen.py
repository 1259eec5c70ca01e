"""What is dropped before it enters the catalog, and why."""

import pytest

from pipelines.clean.screen import (
    SCREEN,
    has_checkable_answer,
    has_prompt,
    is_not_given_away,
    prompt_fits,
)
from pipelines.record.sample import Answer, Sample, ask
from pipelines.record.steps import Reject, keep_if, run


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
        (Answer(kind="box", value=[0, 0, 5, 5]), "no_reward"),
        (Answer(kind="set", value=["a"]), "no_reward"),
        (Answer(kind="number", value="about four"), "answer_not_verifiable"),
        (Answer(kind="choice", value="C", options=("a", "b")), "answer_not_verifiable"),
        (Answer.text("?!"), "answer_not_verifiable"),
        (Answer.text("a\x07b"), "answer_not_verifiable"),
        (Answer(kind="math", value="}{"), "answer_not_verifiable"),
    ],
)
def test_an_answer_that_no_reward_can_check_is_rejected(answer: Answer, reason: str) -> None:
    assert has_checkable_answer(make_sample(answer=answer))[:2] == (False, reason)


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
