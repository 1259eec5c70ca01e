"""Videos are shown to policies that take pictures as some of their frames, evenly spaced."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from augment.errors import AugmentError
from augment.history import Applied
from augment.transforms import find
from pipelines.corpora.blinks import blinks
from pipelines.policies.film import left, shown_frames
from pipelines.policies.render import GREY, CannotShow, render
from pipelines.policies.showing import View, render_view
from pipelines.policies.templates import TEMPLATES, PromptTemplate
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Block, Message, Sample, ask
from tests.pipelines.record.films import film, shades

PLAIN = TEMPLATES["plain"]
PICTURES = frozenset({"image"})


def step(name: str, **params: int) -> dict[str, Any]:
    return {"name": name, "params": params, "version": find(name).version}


def applied(*steps: Mapping[str, Any]) -> list[Applied]:
    return [Applied(**one) for one in steps]


def question(data: bytes) -> Sample:
    medium = Media.of_bytes(data, "video")
    return Sample(
        prompt=ask("how many?", medium),
        media=(medium,),
        answer=Answer.number(2),
        task="t",
        corpus="c",
        source_ref="r",
    )


def shown(sample: Sample, view: View, template: PromptTemplate = PLAIN) -> list[np.ndarray]:
    files = {medium.media_id: medium.read() for medium in sample.media}
    request = render_view(sample, view, template, files.__getitem__, PICTURES)
    blocks = Counter(block["type"] for m in request.messages for block in m["content"])
    assert blocks["image"] == len(request.images)
    return [np.asarray(picture) for picture in request.images]


def numbers(frames: Any) -> list[int]:
    return [round((frame.mean() - 20) / 10) for frame in frames]


@pytest.mark.parametrize(
    ("count", "frames"), [(3, [2, 6, 10]), (4, [1, 4, 7, 10]), (99, range(12))]
)
def test_as_many_frames_are_shown_as_the_template_says(count: int, frames: list[int]) -> None:
    template = PromptTemplate(name="few", video_frames=count)
    assert numbers(shown(question(film(shades(12))), {}, template)) == list(frames)


def test_frames_stand_one_after_another_in_the_place_of_their_video() -> None:
    media = tuple(Media.of_bytes(film(shades(n)), "video") for n in (2, 1))
    blocks = (Block("text", "A"), Block("video"), Block("text", "B"), Block("video"))
    sample = Sample(
        prompt=(Message("user", blocks),),
        media=media,
        answer=Answer.number(2),
        task="t",
        corpus="c",
        source_ref="r",
    )
    files = {medium.media_id: medium.read() for medium in media}
    (message,) = render(sample, PLAIN, files.__getitem__, PICTURES).messages
    kinds = [block.get("text", "image") for block in message["content"]]
    assert kinds == ["A", "image", "image", "B", "image"]


def test_every_template_from_before_keeps_its_id() -> None:
    assert TEMPLATES["plain"].template_id == "8d84d089548bb2ca30637e2316ccdb74"
    assert PromptTemplate(name="plain", video_frames=8).template_id == PLAIN.template_id
    assert PromptTemplate(name="plain", video_frames=4).template_id != PLAIN.template_id


def test_frames_share_the_pixels_that_a_template_allows() -> None:
    template = PromptTemplate(name="small", max_pixels=4 * 12 * 16, video_frames=4)
    assert {frame.shape for frame in shown(question(film(shades(12))), {}, template)} == {
        (12, 16, 3)
    }


def test_a_step_on_pictures_is_done_to_every_frame_with_the_same_numbers() -> None:
    sample = question(film(shades(12)))
    plain = shown(sample, {})
    for turned, frame in zip(
        shown(sample, {"history": [step("flip_vertical")]}), plain, strict=True
    ):
        assert np.array_equal(turned, frame[::-1])
    crop = step("crop", left=100, top=0, right=0, bottom=500)
    assert {frame.shape for frame in shown(sample, {"history": [crop]})} == {(24, 58, 3)}


def test_noise_is_as_strong_in_every_frame_and_another_in_each() -> None:
    sample = question(film(shades(12)))
    noisy = shown(sample, {"history": [step("gaussian_noise", sigma=10, seed=1)]})
    grains = [
        after.astype(int) - before for after, before in zip(noisy, shown(sample, {}), strict=True)
    ]
    assert {round(grain.std()) for grain in grains} == {10}
    assert not np.array_equal(grains[0], grains[1])


def test_frames_that_a_view_leaves_out_do_not_make_it_shorter_where_there_are_enough() -> None:
    sample = question(film(shades(20)))
    dropped = shown(sample, {"history": [step("frame_drop", every=2)]})
    assert numbers(dropped) == [0, 2, 6, 8, 10, 12, 16, 18]
    cut = shown(sample, {"history": [step("temporal_crop", start=500, end=0)]})
    assert numbers(cut) == [10, 11, 13, 14, 15, 16, 18, 19]


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], range(300)),
        ([step("frame_drop", every=3)], range(0, 300, 3)),
        ([step("temporal_crop", start=100, end=200)], range(30, 240)),
        ([step("temporal_crop", start=0, end=990), step("frame_drop", every=2)], range(0, 3, 2)),
    ],
)
def test_steps_on_time_tell_which_frames_are_left(steps: list[Any], expected: range) -> None:
    assert list(left(300, applied(*steps))) == list(expected)


def test_a_view_that_leaves_nothing_is_named() -> None:
    cut = applied(step("temporal_crop", start=500, end=499))
    with pytest.raises(AugmentError, match="leaves nothing"):
        shown_frames(film(shades(1)), cut, 8)


def test_a_blanked_film_is_as_long_and_as_large_and_shows_nothing() -> None:
    sample = next(iter(blinks(size=1, held_out=0)))
    plain, blank = shown(sample, {}), shown(sample, {"blind": "blanked"})
    assert [frame.shape for frame in plain] == [frame.shape for frame in blank]
    assert {tuple(pixel) for frame in blank for pixel in frame.reshape(-1, 3).tolist()} == {GREY}
    assert shown(sample, {"blind": "withheld"}) == []


def test_a_policy_that_takes_no_pictures_is_shown_no_film() -> None:
    sample = question(film(shades(1)))
    with pytest.raises(CannotShow, match="text only, not video"):
        render(sample, PLAIN, sample.media[0].read, frozenset())  # type: ignore[arg-type]
