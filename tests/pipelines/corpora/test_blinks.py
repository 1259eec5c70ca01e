"""The films of the `blinks` corpus show what their answers say."""

from functools import cache

import numpy as np
import pytest

from augment.labels import verdict
from augment.transforms import TRANSFORMS
from pipelines.corpora.blinks import QUESTIONS, SHORT, blinks, hues
from pipelines.record.media import sample_frames
from pipelines.record.sample import Sample


@cache
def corpus() -> list[Sample]:
    return list(blinks(size=80, held_out=20))


def films(task: str) -> list[Sample]:
    return [sample for sample in corpus() if sample.task == f"blinks/{task}"]


def lit(sample: Sample) -> list[tuple[str, str]]:
    """Tell the side and the colour of every blink, by looking."""
    frames, _ = sample_frames(sample.media[0].read(), 99)
    found = []
    for frame in frames.astype(int):
        bright = frame.max(axis=2) - frame.min(axis=2) > 100
        if bright.any():
            columns = np.nonzero(bright)[1]
            colour = "rgb"[int(frame[bright].mean(axis=0).argmax())]
            found.append(("l" if columns.mean() < 16 else "r", colour))
    return found


def test_as_many_blinks_are_seen_as_are_counted() -> None:
    samples = films("count")
    assert {s.answer.value for s in samples} == {"1", "2", "3", "4", "6", "7"}
    assert [str(len(lit(s))) for s in samples] == [s.answer.value for s in samples]


def test_red_blinks_are_those_that_look_red() -> None:
    for sample in films("reds"):
        colours = [colour for _, colour in lit(sample)]
        assert str(colours.count("r")) == sample.answer.value
        assert tuple(colours) == sample.steps


def test_the_last_blink_is_where_and_of_the_colour_that_is_said() -> None:
    for sample in films("last"):
        assert sample.answer.value is (lit(sample)[-1][0] == "l")
    for sample in films("colour"):
        chosen = sample.answer.options["ABC".index(str(sample.answer.value))]
        assert chosen[0] == lit(sample)[-1][1]


def test_a_policy_that_sees_eight_frames_sees_every_blink_of_a_short_film_only() -> None:
    for sample in films("count"):
        frames, _ = sample_frames(sample.media[0].read(), SHORT)
        whole = len(sample_frames(sample.media[0].read(), 99)[0])
        assert len(frames) == SHORT
        assert (whole == SHORT) is (int(str(sample.answer.value)) <= 4)


def test_no_shade_is_in_both_splits() -> None:
    train, test = hues("train").ravel(), hues("test").ravel()
    assert np.abs(np.subtract.outer(train, test)).min() > 0.005


@pytest.mark.parametrize("task", QUESTIONS)
def test_what_would_break_a_label_is_forbidden(task: str) -> None:
    sample = films(task)[0]
    options = " ".join(sample.answer.options)
    allowed = {
        name
        for name, transform in TRANSFORMS.items()
        if transform.medium in ("image", "video")
        and verdict(sample.tags, name, sample.question, options).allowed
    }
    assert "gaussian_noise" in allowed
    assert not allowed & {"frame_drop", "temporal_crop", "crop", "occlude"}
    if sample.task in ("blinks/reds", "blinks/colour"):
        assert not allowed & {"hue_saturation", "grayscale", "invert"}
    if sample.task == "blinks/last":
        assert "flip_horizontal" not in allowed
