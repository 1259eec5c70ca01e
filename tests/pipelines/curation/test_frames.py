"""Frames of coordinates: as the processors compute them, and back."""

import pytest
from transformers.models.qwen2_vl.image_processing_qwen2_vl import smart_resize as theirs

from pipelines.curation.formats.frames import MAX_PIXELS, framed, smart_resize, unframed
from pipelines.record.sample import Answer

SIZES = [(1, 1), (3, 500), (28, 28), (60, 40), (640, 480), (1000, 999), (1920, 1080), (6000, 4000)]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("limit", [MAX_PIXELS, 1_003_520, 100_000])
def test_resizing_is_what_the_processor_does(size: tuple[int, int], limit: int) -> None:
    height, width = theirs(size[1], size[0], max_pixels=limit)
    assert smart_resize(*size, limit) == (width, height)


def test_a_picture_too_long_for_the_processor_is_refused() -> None:
    with pytest.raises(ValueError, match="longer than 200 times"):
        smart_resize(3, 1000)


@pytest.mark.parametrize("frame", ["pixels", "0-1", "0-1000", "resized"])
def test_coordinates_come_back_to_their_pixels(frame: str) -> None:
    box = Answer(kind="box", value=["12", "30", "300", "451"])
    there = framed(box, frame, (640, 480))  # type: ignore[arg-type]
    numbers = [float(str(n)) for n in there.value]  # type: ignore[union-attr]
    back = unframed(numbers, frame, (640, 480), MAX_PIXELS)  # type: ignore[arg-type]
    assert [float(n) for n in back] == pytest.approx([12, 30, 300, 451], abs=1)


def test_a_box_keeps_an_inside_however_coarse_the_frame() -> None:
    thin = framed(Answer(kind="box", value=[1000, 10, 1002, 12]), "0-1000", (4000, 3000))
    assert thin.value == [250, 3, 251, 4]


def test_boxes_and_points_keep_their_form() -> None:
    boxes = Answer(kind="boxes", value=[[0, 0, 50, 50], [50, 50, 100, 100]])
    assert framed(boxes, "0-1000", (100, 100)).value == [[0, 0, 500, 500], [500, 500, 1000, 1000]]
    near = framed(Answer(kind="point", value=[50, 25], tolerance="10"), "0-1", (100, 50))
    assert (near.value, near.tolerance) == (["0.5", "0.5"], "0.14142")
    inside = framed(Answer(kind="point", value=[10, 10, 20, 20]), "0-1000", (100, 100))
    assert inside.value == [100, 100, 200, 200]
    assert framed(Answer.number(7), "0-1000", (100, 100)).value == "7"
