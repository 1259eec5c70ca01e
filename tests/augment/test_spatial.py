import math

import numpy as np
import pytest

from augment.history import Applied, move, replay
from augment.image import Image
from augment.move import Box, stay
from augment.spatial import edge_colour, rotate, rotation


def with_square(width: int, height: int, box: tuple[int, int, int, int]) -> Image:
    canvas = np.zeros((height, width, 3), dtype=np.uint8)
    x1, y1, x2, y2 = box
    canvas[y1:y2, x1:x2] = 255
    return canvas


def hull_of(image: Image) -> Box:
    """Return the hull of the bright pixels; a dim edge pixel is half inside."""
    lit = image[..., 0] > 40
    ys, xs = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    return float(xs[0]), float(ys[0]), float(xs[-1] + 1), float(ys[-1] + 1)


def iou(one: Box, other: Box) -> float:
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    areas = [(b[2] - b[0]) * (b[3] - b[1]) for b in (one, other)]
    return width * height / (sum(areas) - width * height)


@pytest.mark.parametrize("seed", range(40))
def test_a_moved_box_is_the_hull_of_the_moved_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, height = (int(n) for n in rng.integers(90, 260, 2))
    side = int(rng.integers(60, min(width, height) - 10))
    x, y = int(rng.integers(0, width - side + 1)), int(rng.integers(0, height - side + 1))
    decidegrees = int(rng.integers(-1800, 1801)) if seed % 2 else int(rng.integers(-150, 151))
    box = (x, y, x + side, y + side)
    image = with_square(width, height, box)
    assert edge_colour(image) == (0, 0, 0)
    moved = rotation(width, height, decidegrees=decidegrees).move_box(box)
    assert iou(moved, hull_of(rotate(image, decidegrees=decidegrees))) >= 0.95


@pytest.mark.parametrize("seed", range(20))
def test_a_moved_point_lands_on_the_moved_pixel(seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, height = (int(n) for n in rng.integers(21, 90, 2))
    x, y = int(rng.integers(2, width - 3)), int(rng.integers(2, height - 3))
    decidegrees = int(rng.integers(-1800, 1801))
    lit = rotate(with_square(width, height, (x, y, x + 1, y + 1)), decidegrees=decidegrees)[..., 0]
    weights = lit / lit.sum()
    rows, columns = np.indices(lit.shape) + 0.5
    (seen,) = rotation(width, height, decidegrees=decidegrees).move_points([(x + 0.5, y + 0.5)])
    assert seen == pytest.approx(((weights * columns).sum(), (weights * rows).sum()), abs=0.3)


def test_a_positive_angle_turns_counter_clockwise_as_seen() -> None:
    dot_at_right = with_square(41, 41, (38, 19, 41, 22))
    x1, y1, x2, y2 = hull_of(rotate(dot_at_right, decidegrees=900))
    assert (x1, y1, x2, y2) == (19, 0, 22, 3)


def test_a_quarter_turn_moves_every_pixel_whole() -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 12, 3)).astype(np.uint8)
    assert np.array_equal(rotate(image, decidegrees=900), np.rot90(image))
    assert np.array_equal(rotate(image, decidegrees=-900), np.rot90(image, -1))


@pytest.mark.parametrize("decidegrees", [-1500, -150, -1, 3, 50, 899, 1800])
def test_the_canvas_holds_every_corner_and_little_more(decidegrees: int) -> None:
    width, height = 61, 38
    there = rotation(width, height, decidegrees=decidegrees)
    x1, y1, x2, y2 = there.move_box((0, 0, width, height))
    assert min(x1, y1) >= -1e-6
    assert x2 <= there.width + 1e-6
    assert y2 <= there.height + 1e-6
    assert there.width - (x2 - x1) < 1
    assert there.height - (y2 - y1) < 1


@pytest.mark.parametrize("decidegrees", [-150, 33, 700])
def test_turning_back_brings_a_point_back(decidegrees: int) -> None:
    there = rotation(61, 38, decidegrees=decidegrees)
    back = rotation(there.width, there.height, decidegrees=-decidegrees)
    ((x, y),) = there.then(back).move_points([(10.0, 30.0)])
    # The canvas has grown twice, evenly on both sides.
    assert x - (back.width - 61) / 2 == pytest.approx(10)
    assert y - (back.height - 38) / 2 == pytest.approx(30)


def test_the_corners_take_the_colour_of_the_edge() -> None:
    page = np.full((40, 60, 3), (250, 240, 200), dtype=np.uint8)
    page[15:25, 20:40] = 0
    assert edge_colour(page) == (250, 240, 200)
    out = rotate(page, decidegrees=100)
    assert out[0, 0].tolist() == out[-1, -1].tolist() == [250, 240, 200]


def test_no_turn_gives_the_same_pixels_in_an_array_of_its_own() -> None:
    image = with_square(9, 9, (2, 2, 5, 5))
    out = rotate(image, decidegrees=0)
    assert np.array_equal(out, image)
    assert not np.shares_memory(out, image)


def test_a_history_moves_a_box_as_it_moves_the_pixels() -> None:
    history = [
        Applied("rotate", {"decidegrees": 120}, 1),
        Applied("jpeg", {"quality": 90}, 1),
        Applied("rotate", {"decidegrees": -40}, 1),
    ]
    box = (70, 60, 140, 120)
    there = move(200, 150, history)
    image = replay(with_square(200, 150, box), history)
    assert (there.height, there.width) == image.shape[:2]
    assert iou(there.move_box(box), hull_of(image)) >= 0.95


def test_what_moves_nothing_moves_no_box() -> None:
    here = move(20, 10, [Applied("jpeg", {"quality": 90}, 1)])
    assert here == stay(20, 10)
    assert here.move_box((1, 2, 3, 4)) == (1, 2, 3, 4)


def test_the_hull_of_a_turned_box_has_the_size_that_geometry_says() -> None:
    cos, sin = math.cos(math.radians(10)), math.sin(math.radians(10))
    x1, y1, x2, y2 = rotation(100, 80, decidegrees=100).move_box((10, 10, 50, 30))
    assert x2 - x1 == pytest.approx(40 * cos + 20 * sin)
    assert y2 - y1 == pytest.approx(40 * sin + 20 * cos)
