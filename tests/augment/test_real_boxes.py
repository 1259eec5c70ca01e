"""Boxes and points of real corpora survive every spatial transform."""

import json
import os
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from augment.history import Applied, move, replay
from augment.image import Image
from augment.move import Box, check_box, check_point
from augment.transforms import TRANSFORMS
from pipelines.record.media import decode_image

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif("CURRICLE_TEST_CORPORA" not in os.environ, reason="needs real corpora"),
]
ROOT = Path(os.environ.get("CURRICLE_TEST_CORPORA", ""))
SPATIAL = sorted(name for name, t in TRANSFORMS.items() if t.move is not None)
COLOURS = {"Yellow": (255, 255, 0), "#0099ff": (0, 153, 255), "Black": (0, 0, 0)}
PAPER = 211
LARGER = 4
"""NLVR's objects have 10 to 30 pixels; each becomes a square of this many."""
SLOT, GAP, ROOM = 150, 100, 10


def drawn(name: str, seed: int) -> Applied:
    transform = TRANSFORMS[name]
    return Applied(name, transform.draw(np.random.default_rng(seed)), transform.version)


def iou(one: Box, other: Box) -> float:
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return width * height / (sum(areas) - width * height)


def hull_of(lit: NDArray[np.bool_], left: int = 0, top: int = 0) -> Box:
    ys, xs = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    return left + xs[0], top + ys[0], left + xs[-1] + 1.0, top + ys[-1] + 1.0


def scenes() -> Iterator[tuple[Image, list[tuple[Box, str]]]]:
    """Give pictures with their free-standing squares and the colour of each."""
    folder = ROOT / "nlvr" / "nlvr" / "dev"
    for line in (folder / "dev.json").read_text().splitlines():
        record = json.loads(line)
        name = f"dev-{record['identifier']}-0.png"
        image = decode_image((folder / "images" / record["directory"] / name).read_bytes())
        things = [
            (box_of(slot, thing), thing)
            for slot, rep in enumerate(record["structured_rep"])
            for thing in rep
        ]
        free = [
            (box, thing["color"])
            for box, thing in things
            if thing["type"] == "square" and stands_free(box, [b for b, _ in things if b != box])
        ]
        if free:
            # With paper all round, what a turn fills in is paper too.
            framed = np.pad(image, ((4, 4), (4, 4), (0, 0)), constant_values=PAPER)
            larger = framed.repeat(LARGER, axis=0).repeat(LARGER, axis=1)
            yield larger, [(enlarged(box), colour) for box, colour in free]


def enlarged(box: Box) -> Box:
    x1, y1, x2, y2 = (LARGER * (value + 4) for value in box)
    return x1, y1, x2, y2


def box_of(slot: int, thing: dict[str, int]) -> Box:
    x, y, size = SLOT * slot + thing["x_loc"], thing["y_loc"], thing["size"]
    return float(x), float(y), float(x + size), float(y + size)


def stands_free(box: Box, others: list[Box]) -> bool:
    """Tell whether a box has paper or the edge of the picture all round it, also when tilted."""
    x1, y1, x2, y2 = box
    if (x1 >= SLOT and x1 % SLOT < ROOM) or (x2 <= 2 * SLOT and x2 % SLOT > GAP - ROOM):
        return False
    return all(
        x1 - ROOM >= b[2] or b[0] >= x2 + ROOM or y1 - ROOM >= b[3] or b[1] >= y2 + ROOM
        for b in others
    )


def seen(image: Image, colour: str, near: Box) -> Box:
    """Return the hull of the pixels near a box that are more of a colour than of paper."""
    left, top = max(0, int(near[0]) - 8), max(0, int(near[1]) - 8)
    part = image[top : int(near[3]) + 9, left : int(near[2]) + 9].astype(float) - PAPER
    towards = np.subtract(COLOURS[colour], PAPER, dtype=float)
    return hull_of(part @ towards / (towards @ towards) > 0.3, left, top)


@pytest.mark.parametrize("name", SPATIAL)
def test_exact_boxes_of_nlvr_go_where_their_colours_go(name: str) -> None:
    compared = 0
    for seed, (image, squares) in enumerate(list(scenes())[::4]):
        height, width = image.shape[:2]
        history = [drawn(name, seed)]
        out, there = replay(image, history), move(width, height, history)
        for box, colour in squares:
            if there.visible_share(check_box(box, width, height)) < 0.999:
                continue
            moved = there.move_box(box)
            found = seen(out, colour, moved)
            assert np.abs(np.subtract(found, moved)).max() <= 1, (box, found, moved)
            assert min(moved[2] - moved[0], moved[3] - moved[1]) < 40 or iou(found, moved) >= 0.95
            compared += 1
    assert compared >= 25


def screens() -> Iterator[tuple[int, int, Box]]:
    for path in sorted((ROOT / "guipilot").rglob("*.json")):
        screen = json.loads(path.read_text())
        for shape in screen["shapes"]:
            (x1, y1), (x2, y2) = shape["points"]
            box = min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)
            yield screen["imageWidth"], screen["imageHeight"], box


@pytest.mark.parametrize("name", SPATIAL)
def test_boxes_of_guipilot_go_where_their_pixels_go(name: str) -> None:
    boxes = list(screens())
    assert len(boxes) == 64
    for seed, (width, height, box) in enumerate(boxes[::4]):
        history = [drawn(name, seed)]
        there = move(width, height, history)
        x1, y1, x2, y2 = (round(value) for value in check_box(box, width, height))
        expected = there.visible_box((x1, y1, x2, y2))
        marked = np.zeros((height, width, 3), dtype=np.uint8)
        marked[y1:y2, x1:x2] = 255
        lit = replay(marked, history)[..., 0] > 40
        if expected is None or min(np.subtract(expected[2:], expected[:2])) < 2:
            continue
        assert np.abs(np.subtract(hull_of(lit), expected)).max() <= 1, (box, expected)
        if min(np.subtract(expected[2:], expected[:2])) >= 40:
            assert iou(hull_of(lit), expected) >= 0.95


def clicks() -> set[tuple[int, int, int, int]]:
    found = set()
    for path in sorted((ROOT / "screenagent").rglob("*.json")):
        session = json.loads(path.read_text())
        for action in session["actions"]:
            at = action.get("mouse_position")
            if at:
                size = session["video_width"], session["video_height"]
                found.add((*size, int(at["width"]), int(at["height"])))
    return found


@pytest.mark.parametrize("name", SPATIAL)
def test_points_of_screenagent_go_where_their_pixels_go(name: str) -> None:
    points = sorted(clicks())
    assert len(points) >= 20
    for seed, (width, height, x, y) in enumerate(points):
        history = [drawn(name, seed)]
        there = move(width, height, history)
        check_point((x + 0.5, y + 0.5), width, height)
        marked = np.zeros((height, width, 3), dtype=np.uint8)
        for dx, dy in product((-1, 0, 1), repeat=2):
            marked[y + dy, x + dx] = 255
        out = replay(marked, history)[..., 0].astype(float)
        ((u, v),) = there.move_points([(x + 0.5, y + 0.5)])
        if not (2 < u < there.width - 2 and 2 < v < there.height - 2):
            continue
        rows, columns = np.indices(out.shape) + 0.5
        at = (out * columns).sum() / out.sum(), (out * rows).sum() / out.sum()
        assert at == pytest.approx((u, v), abs=0.6)
