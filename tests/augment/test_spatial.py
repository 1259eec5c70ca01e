import math

import numpy as np
import pytest

from augment.errors import AugmentError
from augment.history import Applied, move, replay
from augment.image import Image
from augment.move import Box, Move, stay
from augment.polygon import area, corners
from augment.spatial import rotate, rotation
from augment.transforms import TRANSFORMS
from augment.warping import edge_colour

SPATIAL = sorted(name for name, t in TRANSFORMS.items() if t.move is not None)
RIGHT_ANGLED = ["quarter_turn", "flip_horizontal", "flip_vertical"]
STRENGTH = {"affine": {"decidegrees": (-1800, 1800), "percent": (60, 180), "shear": (-200, 200)}}
"""Stronger than what is drawn for a view, so that a wrong sign cannot hide."""
STRENGTH["perspective"] = {f"{axis}{corner}": (0, 200) for axis in "xy" for corner in range(1, 5)}
STRENGTH["crop"] = dict.fromkeys(("left", "top", "right", "bottom"), (0, 300))
STRENGTH["rotate"] = {"decidegrees": (-1800, 1800)}


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
        Applied("rotate", {"decidegrees": 120}, 2),
        Applied("jpeg", {"quality": 90}, 1),
        Applied("rotate", {"decidegrees": -40}, 2),
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


def drawn(name: str, rng: np.random.Generator) -> Applied:
    transform = TRANSFORMS[name]
    return Applied(name, transform.draw(rng, **STRENGTH.get(name, {})), transform.version)


def with_large_box(rng: np.random.Generator) -> tuple[int, int, tuple[int, int, int, int]]:
    width, height = (int(n) for n in rng.integers(121, 300, 2))
    w, h = int(rng.integers(80, width - 20)), int(rng.integers(80, height - 20))
    x, y = int(rng.integers(0, width - w + 1)), int(rng.integers(0, height - h + 1))
    return width, height, (x, y, x + w, y + h)


@pytest.mark.parametrize("name", SPATIAL)
@pytest.mark.parametrize("seed", range(25))
def test_a_box_goes_where_its_pixels_go(name: str, seed: int) -> None:
    rng = np.random.default_rng([seed, len(name)])
    width, height, box = with_large_box(rng)
    step = drawn(name, rng)
    there = move(width, height, [step])
    # The box touches two sides at most and never whole, so that the fill is always dark.
    image = replay(with_square(width, height, box), [step])
    assert image.shape == (there.height, there.width, 3)
    seen, expected = hull_of(image), there.visible_box(box)
    assert expected is not None
    assert np.abs(np.subtract(seen, expected)).max() <= 1
    if min(expected[2] - expected[0], expected[3] - expected[1]) >= 40:
        assert iou(seen, expected) >= 0.95


@pytest.mark.parametrize("name", SPATIAL)
@pytest.mark.parametrize("seed", range(10))
def test_every_corner_comes_back(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    width, height = (int(n) for n in rng.integers(1, 400, 2))
    there = move(width, height, [drawn(name, rng)])
    back = there.inverse(width, height)
    frame = corners((0.0, 0.0, float(width), float(height)))
    assert np.allclose(back.move_points(there.move_points(frame)), frame, atol=1e-6)
    assert np.allclose(there.then(back).move_points(frame), frame, atol=1e-6)


@pytest.mark.parametrize("name", SPATIAL)
@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (2, 3), (5, 4), (33, 31)])
def test_the_smallest_pictures_have_the_size_that_their_move_says(
    name: str, size: tuple[int, int]
) -> None:
    width, height = size
    for seed in range(20):
        step = drawn(name, np.random.default_rng(seed))
        out = replay(np.full((height, width, 3), 77, dtype=np.uint8), [step])
        there = move(width, height, [step])
        assert out.shape == (there.height, there.width, 3)
        assert (out == 77).all()


@pytest.mark.parametrize("name", RIGHT_ANGLED)
def test_a_right_angle_keeps_every_area_and_every_pixel(name: str) -> None:
    rng = np.random.default_rng(1)
    image = rng.integers(0, 256, (31, 18, 3)).astype(np.uint8)
    step = drawn(name, rng)
    box = (3.0, 5.0, 14.0, 29.0)
    moved = move(18, 31, [step]).move_box(box)
    assert area(corners(moved)) == area(corners(box))
    assert sorted(replay(image, [step]).reshape(-1, 3).tolist()) == sorted(
        image.reshape(-1, 3).tolist()
    )


@pytest.mark.parametrize(
    ("name", "params", "times"),
    [
        ("quarter_turn", {"quarters": 1}, 4),
        ("quarter_turn", {"quarters": 2}, 2),
        ("quarter_turn", {"quarters": 3}, 4),
        ("flip_horizontal", {}, 2),
        ("flip_vertical", {}, 2),
    ],
)
def test_going_round_is_the_identity(name: str, params: dict[str, int], times: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 12, 3)).astype(np.uint8)
    history = [Applied(name, params, 1)] * times
    assert np.array_equal(replay(image, history), image)
    assert move(12, 7, history) == stay(12, 7)
    assert move(12, 7, history[:1]) != stay(12, 7)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_quarter_turn_is_counter_clockwise(quarters: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (7, 12, 3)).astype(np.uint8)
    step = Applied("quarter_turn", {"quarters": quarters}, 1)
    assert np.array_equal(replay(image, [step]), np.rot90(image, quarters))
    turned = move(12, 7, [step]).move_box((2, 1, 5, 6))
    assert turned == pytest.approx(
        rotation(12, 7, decidegrees=900 * quarters).move_box((2, 1, 5, 6))
    )


def test_a_crop_and_a_border_keep_the_pixels_between() -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 40, 3)).astype(np.uint8)
    sides = {"left": 100, "top": 200, "right": 50, "bottom": 0}
    cut = replay(image, [Applied("crop", sides, 1)])
    assert np.array_equal(cut, image[10:50, 4:38])
    framed = replay(image, [Applied("pad", sides, 1)])
    assert np.array_equal(framed[10:60, 4:44], image)
    assert framed.shape == (60, 46, 3)
    assert (framed[:10] == edge_colour(image)).all()


@pytest.mark.parametrize(
    ("sides", "size"), [((600, 0, 400, 0), (50, 50)), ((0, 500, 0, 500), (7, 1))]
)
def test_a_crop_that_leaves_nothing_is_refused(
    sides: tuple[int, int, int, int], size: tuple[int, int]
) -> None:
    step = Applied("crop", dict(zip(("left", "top", "right", "bottom"), sides, strict=True)), 1)
    complaint = "leaves nothing of a picture of {}x{} pixels".format(*size)
    with pytest.raises(AugmentError, match=complaint):
        replay(np.zeros((size[1], size[0], 3), dtype=np.uint8), [step])
    with pytest.raises(AugmentError, match=complaint):
        move(*size, [step])


def test_a_perspective_draws_the_corners_in_and_cuts_nothing() -> None:
    params = {"x1": 100, "y1": 50, "x2": 0, "y2": 200, "x3": 150, "y3": 0, "x4": 20, "y4": 300}
    there = move(200, 100, [Applied("perspective", params, 1)])
    frame = there.move_points(corners((0, 0, 200, 100)))
    assert np.allclose(frame, [(20, 5), (200, 20), (170, 100), (4, 70)])
    assert there.visible_share((0, 0, 200, 100)) == 1
    # Straight lines stay straight, but halves do not stay halves.
    assert there.move_points([(100, 50)])[0] != pytest.approx(np.mean(frame, axis=0), abs=0.5)


@pytest.mark.parametrize("seed", range(5))
def test_the_strongest_perspective_shows_every_point_once(seed: int) -> None:
    rng = np.random.default_rng(seed)
    params = {f"{axis}{n}": 300 * int(rng.integers(0, 2)) for axis in "xy" for n in range(1, 5)}
    there = move(90, 70, [Applied("perspective", params, 1)])
    points = [(float(x), float(y)) for x in range(0, 91, 10) for y in range(0, 71, 10)]
    back = there.inverse(90, 70).move_points(there.move_points(points))
    assert np.allclose(back, points, atol=1e-6)


def test_shrinking_text_keeps_its_ink() -> None:
    page = np.full((200, 200, 3), 255, dtype=np.uint8)
    page[::8] = 0
    out = replay(page, [Applied("resize", {"percent": 25}, 1)])
    assert out.shape == (50, 50, 3)
    assert out.mean() == pytest.approx(page.mean(), abs=1)
    assert out.max() - out.min() <= 128


def test_a_stretch_scales_each_side_by_its_own() -> None:
    there = move(101, 51, [Applied("stretch", {"width": 50, "height": 150}, 1)])
    assert (there.width, there.height) == (51, 77)
    assert there.move_points([(101, 51)]) == [(51, 77)]


@pytest.mark.parametrize("place", [(0, 0), (500, 400), (1000, 1000)])
def test_a_patch_is_plain_and_leaves_the_rest(place: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 100, (40, 60, 3)).astype(np.uint8)
    params = {"x": place[0], "y": place[1], "width": 100, "height": 250}
    out = replay(image, [Applied("occlude", params, 1)])
    changed = (out != image).any(axis=-1)
    assert (out[changed] == 128).all()
    assert changed.sum() == (60 if place[0] < 1000 else 1)
    assert move(60, 40, [Applied("occlude", params, 1)]) == stay(60, 40)


def test_a_picture_that_would_be_too_large_is_named() -> None:
    step = Applied("resize", {"percent": 400}, 1)
    with pytest.raises(AugmentError, match="20000x20000 pixels is too large"):
        replay(np.zeros((5000, 5000, 3), dtype=np.uint8), [step])
    with pytest.raises(AugmentError, match="40000x8 pixels is too large"):
        replay(np.zeros((8, 40_000, 3), dtype=np.uint8), [Applied("affine", AS_IT_IS, 1)])


AS_IT_IS = {"decidegrees": 0, "percent": 100, "shear": 0, "x": 0, "y": 0}


def test_an_affine_that_does_nothing_gives_the_same_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (63, 130, 3)).astype(np.uint8)
    assert np.array_equal(replay(image, [Applied("affine", AS_IT_IS, 1)]), image)


def test_an_affine_shifts_by_whole_pixels() -> None:
    image = np.random.default_rng(0).integers(0, 256, (100, 200, 3)).astype(np.uint8)
    out = replay(image, [Applied("affine", AS_IT_IS | {"x": 10, "y": -30}, 1)])
    assert np.array_equal(out[:97, 2:], image[3:, :198])


def test_a_warp_is_the_bilinear_mean_of_what_it_shows() -> None:
    """Against plain numpy, in doubles: half a level of rounding and 1/32 of a pixel are allowed."""
    rng = np.random.default_rng(4)
    image = np.sort(rng.integers(0, 256, (90, 150, 3)), axis=1).astype(np.uint8)
    there = rotation(150, 90, decidegrees=170)
    back = there.inverse(150, 90)
    out = rotate(image, decidegrees=170).astype(float)
    for _ in range(200):
        column, row = int(rng.integers(there.width)), int(rng.integers(there.height))
        ((x, y),) = back.move_points([(column + 0.5, row + 0.5)])
        if not (2 < x < 147 and 2 < y < 87):
            continue
        expected = sampled(image.astype(float), x - 0.5, y - 0.5)
        around = image[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2]
        allowed = 1 + (int(around.max()) - int(around.min())) / 16
        assert np.abs(out[row, column] - expected).max() <= allowed


def sampled(image: np.ndarray, x: float, y: float) -> np.ndarray:
    left, top = math.floor(x), math.floor(y)
    u, v = x - left, y - top
    upper = (1 - u) * image[top, left] + u * image[top, left + 1]
    lower = (1 - u) * image[top + 1, left] + u * image[top + 1, left + 1]
    return (1 - v) * upper + v * lower


def test_a_degenerate_box_stays_degenerate() -> None:
    there = Move(((2.0, 0.0, 0.0), (0.0, 2.0, 0.0), (0.0, 0.0, 1.0)), 20, 20)
    assert there.move_box((3, 4, 3, 9)) == (6, 8, 6, 18)
    assert there.visible_share((3, 4, 3, 9)) == 1
    assert there.visible_share((13, 4, 13, 9)) == 0
    assert there.visible_box((3, 4, 3, 9)) is None


def test_an_affine_turns_scales_shears_and_shifts_about_the_centre() -> None:
    def moved(**given: int) -> list[tuple[float, float]]:
        step = Applied("affine", AS_IT_IS | given, 1)
        return move(200, 100, [step]).move_points([(100, 50), (150, 50), (100, 20)])

    assert np.allclose(moved(decidegrees=900), [(100, 50), (100, 0), (70, 50)])
    assert np.allclose(moved(percent=50), [(100, 50), (125, 50), (100, 35)])
    assert np.allclose(moved(shear=450), [(100, 50), (150, 50), (70, 20)])
    assert np.allclose(moved(x=100, y=-100), [(120, 40), (170, 40), (120, 10)])
