"""Samples shown otherwise than they are: blanked, withheld, or with their options moved."""

import os
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from augment.text import CannotShuffle, cyclic_orders
from augment.transforms import find
from pipelines.corpora.beeps import beeps
from pipelines.corpora.digits import digits
from pipelines.corpora.reading import made
from pipelines.policies.policy import Request
from pipelines.policies.render import GREY, render
from pipelines.policies.showing import View, as_shown, render_view
from pipelines.policies.templates import TEMPLATES
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Block, Message, Sample, ask

PLAIN = TEMPLATES["plain"]
PICTURES = frozenset({"image"})


def shown(sample: Sample, view: View | None = None) -> Request:
    files = {medium.media_id: medium.read() for medium in sample.media}
    if view is None:
        return render(sample, PLAIN, files.__getitem__, PICTURES)  # type: ignore[arg-type]
    return render_view(sample, view, PLAIN, files.__getitem__, PICTURES)  # type: ignore[arg-type]


def question(text: str, letter: str = "A", *options: str) -> Sample:
    return Sample(
        prompt=ask(text),
        answer=Answer.choice(letter, options or ("red", "blue")),
        task="t",
        corpus="c",
        source_ref="r",
    )


@pytest.mark.parametrize("maker", [digits, beeps])
def test_a_blanked_prompt_is_as_large_as_before_and_says_the_same(maker: object) -> None:
    sample = next(iter(maker(size=1, held_out=0)))  # type: ignore[operator]
    plain, blank = shown(sample), shown(sample, {"blind": "blanked"})
    assert plain.messages == blank.messages
    (before,), (after,) = plain.images, blank.images
    assert (before.size, before.mode) == (after.size, after.mode)
    assert len(np.unique(np.asarray(before))) > 1
    colours = set(map(tuple, np.asarray(after).reshape(-1, 3).tolist()))
    assert colours == {GREY if maker is digits else (255, 255, 255)}


def test_a_blanked_view_keeps_the_size_of_the_view_and_shows_nothing_of_its_noise() -> None:
    sample = next(iter(digits(size=1, held_out=0)))
    steps = [("rotate", {"decidegrees": 100}), ("gaussian_noise", {"sigma": 20, "seed": 1})]
    history = tuple({"name": n, "params": p, "version": find(n).version} for n, p in steps)
    view = replace(sample, parent=sample.sample_id, history=history, recipe="r")
    plain, blank = shown(view), shown(view, {"blind": "blanked"})
    assert plain.images[0].size == blank.images[0].size != shown(sample).images[0].size
    assert blank.images[0].getcolors() == [(np.prod(blank.images[0].size), GREY)]


def test_withheld_media_leave_words_alone_that_a_policy_without_eyes_can_read() -> None:
    sample = next(iter(digits(size=1, held_out=0)))
    request = render_view(sample, {"blind": "withheld"}, PLAIN, {}.__getitem__, frozenset())
    assert request.images == ()
    blocks = [block for message in request.messages for block in message["content"]]
    assert blocks == [{"type": "text", "text": sample.question}]


def test_a_moved_answer_names_the_same_option() -> None:
    sample = question("Which?\nA) red\nB) blue\nC) grey", "B", "red", "blue", "grey")
    for order in cyclic_orders(3, 2):
        moved = as_shown(sample, {"options": order})
        place = "ABC".index(str(moved.answer.value))
        assert moved.answer.options[place] == "blue"
        assert f"{moved.answer.value}) blue" in moved.question
        assert moved.sample_id != sample.sample_id
    assert as_shown(sample, {"options": (0, 1, 2)}) == sample


def test_the_list_may_stand_in_any_text_of_the_prompt_but_in_one_only() -> None:
    picture = Media.of_bytes(b"x", "image")
    texts = ["Look.", "A) red\nB) blue"]
    blocks = (Block("text", texts[0]), Block("image"), Block("text", texts[1]))
    prompt = (Message("system", (Block("text", "Be brief."),)), Message("user", blocks))
    sample = replace(question("x"), prompt=prompt, media=(picture,))
    moved = as_shown(sample, {"options": (1, 0)})
    assert [b.text for b in moved.prompt[1].content] == ["Look.", "", "A) blue\nB) red"]
    assert moved.prompt[0] == prompt[0]
    twice = replace(sample, prompt=(prompt[1], Message("user", (Block("text", texts[1]),))))
    told = replace(sample, prompt=(Message("user", (Block("text", "Not option B."), *blocks)),))
    for bad, reason in ((twice, "several_lists"), (told, "letter_in_prose")):
        with pytest.raises(CannotShuffle) as refused:
            as_shown(bad, {"options": (1, 0)})
        assert refused.value.reason == reason


def test_every_choice_of_the_demo_corpus_can_be_shuffled() -> None:
    choices = [s for s in digits(size=900) if s.answer.kind == "choice"]
    assert len(choices) > 50
    for sample in choices:
        for order in cyclic_orders(len(sample.answer.options), 3):
            assert as_shown(sample, {"options": order}).answer.options != sample.answer.options


@pytest.mark.corpora
@pytest.mark.skipif("CURRICLE_TEST_CORPORA" not in os.environ, reason="needs real corpora")
def test_every_choice_of_puzzlevqa_can_be_shuffled() -> None:
    from pipelines.corpora.puzzlevqa import read

    outcomes: Counter[str] = Counter()
    for sample in made(read(Path(os.environ["CURRICLE_TEST_CORPORA"]) / "puzzlevqa")):
        assert isinstance(sample, Sample)
        try:
            for order in cyclic_orders(len(sample.answer.options), 3):
                as_shown(sample, {"options": order})
            outcomes["movable"] += 1
        except CannotShuffle as refused:
            outcomes[refused.reason] += 1
    assert outcomes == {"movable": 180}
