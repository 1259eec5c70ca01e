import math

import numpy as np
import pytest

from augment.errors import AugmentError
from augment.history import Applied
from augment.move import Box, Matrix, Move, affine_move, check_box, check_point, stay
from augment.polygon import area, clipped, corners, hull
from augment.sight import follow


def scattered(seed: int) -> Move:
    """A perspective that keeps every point of a 60x40 picture in view."""
    rng = np.random.default_rng(seed)
    a, b, d, e = rng.normal((2, 0, 0, 2), 1)
    g, h = rng.uniform(-0.005, 0.005, 2)
    matrix: Matrix = ((a, b, rng.normal(0, 9)), (d, e, rng.normal(0, 9)), (g, h, 1.0))
    return Move(matrix, 60, 40)


@pytest.mark.parametrize("seed", range(20))
def test_one_move_for_two_goes_where_both_go(seed: int) -> None:
    first, second = scattered(seed), affine_move((0.3, 0.1, 5.0), (-0.2, 0.4, 6.0), 20, 30)
    points = [(0.0, 0.0), (60.0, 40.0), (13.5, 7.25)]
    one_by_one = second.move_points(first.move_points(points))
    assert np.allclose(first.then(second).move_points(points), one_by_one)
    assert (first.then(second).width, first.then(second).height) == (20, 30)


@pytest.mark.parametrize("seed", range(20))
def test_the_way_back_undoes_a_move(seed: int) -> None:
    there = scattered(seed)
    points = [(0.0, 0.0), (60.0, 40.0), (13.5, 7.25)]
    assert np.allclose(there.inverse(60, 40).move_points(there.move_points(points)), points)


def test_a_move_that_flattens_has_no_way_back() -> None:
    flat = affine_move((1.0, 2.0, 0.0), (2.0, 4.0, 0.0), 5, 5)
    with pytest.raises(AugmentError, match="flattens the picture"):
        flat.inverse(5, 5)


def test_what_is_behind_the_view_is_named() -> None:
    tilted = Move(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (-0.1, 0.0, 1.0)), 5, 5)
    with pytest.raises(AugmentError, match=r"the point \(20, 3\) lies behind the view"):
        tilted.move_points([(20, 3)])


@pytest.mark.parametrize(
    ("box", "share"),
    [
        ((0, 0, 10, 10), 1.0),
        ((-5, 0, 5, 10), 0.5),
        ((5, 5, 15, 15), 0.25),
        ((10, 0, 20, 10), 0.0),
        ((-10, -10, 20, 20), 1 / 9),
        ((2, 2, 2, 8), 1.0),
        ((12, 2, 12, 8), 0.0),
    ],
)
def test_the_visible_share_of_an_upright_box_is_that_of_its_area(box: Box, share: float) -> None:
    assert stay(10, 10).visible_share(box) == pytest.approx(share)


def test_the_visible_share_of_a_turned_box_is_exact() -> None:
    half = math.sqrt(0.5)
    turned = affine_move((half, half, 0.0), (-half, half, 0.0), 100, 100)
    # A square turned by 45 degrees about a corner of the picture: a half lies inside.
    assert turned.visible_share((0, 0, 10, 10)) == pytest.approx(0.5)
    assert turned.visible_box((0, 0, 10, 10)) == pytest.approx(
        (0, 0, 10 * math.sqrt(2), 5 * math.sqrt(2))
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_visible_share_is_what_counting_points_says(seed: int) -> None:
    there = scattered(seed)
    box = (10.0, 5.0, 50.0, 35.0)
    moved = there.move_points(corners(box))
    x1, y1, x2, y2 = hull(moved)
    grid = np.random.default_rng(seed).uniform((x1, y1), (x2, y2), (20_000, 2))
    back = np.array(there.inverse(60, 40).move_points([(x, y) for x, y in grid]))
    inside = (back >= box[:2]).all(axis=1) & (back <= box[2:]).all(axis=1)
    shown = inside & (grid >= 0).all(axis=1) & (grid <= (60, 40)).all(axis=1)
    assert there.visible_share(box) == pytest.approx(shown.sum() / inside.sum(), abs=0.02)


def test_nothing_is_left_of_a_polygon_elsewhere() -> None:
    assert clipped(corners((20, 20, 30, 30)), (0, 0, 10, 10)) == []
    assert area([]) == 0


@pytest.mark.parametrize(
    ("box", "complaint"),
    [
        ((0, 0, 11, 5), "lies outside its picture of 10x20"),
        ((-1, 0, 5, 5), "lies outside its picture of 10x20"),
        ((0, 0, 5, 20.5), "lies outside its picture of 10x20"),
        ((5, 5, 5, 9), "has no area"),
        ((6, 5, 5, 9), "has no area"),
        ((0, 0, 5), "a box is four finite numbers"),
        ((0, 0, 5, math.nan), "a box is four finite numbers"),
    ],
)
def test_a_box_that_is_none_of_its_picture_is_named(box: tuple[float, ...], complaint: str) -> None:
    with pytest.raises(AugmentError, match=complaint):
        check_box(box, 10, 20)


def test_a_box_up_to_the_edge_is_one_and_slack_is_cut_off() -> None:
    assert check_box((0, 0, 10, 20), 10, 20) == (0, 0, 10, 20)
    assert check_box((-1, 2, 11, 20), 10, 20, slack=1) == (0, 2, 10, 20)
    with pytest.raises(AugmentError, match="lies outside"):
        check_box((-1.5, 2, 11, 20), 10, 20, slack=1)


def test_a_point_outside_its_picture_is_named() -> None:
    assert check_point((10, 0), 10, 20) == (10, 0)
    with pytest.raises(AugmentError, match="lies outside its picture of 10x20"):
        check_point((10.5, 0), 10, 20)
    with pytest.raises(AugmentError, match="a point is two finite numbers"):
        check_point((math.inf, 0), 10, 20)


def sides(**given: int) -> dict[str, int]:
    return {"left": 0, "top": 0, "right": 0, "bottom": 0} | given


def test_what_a_crop_took_does_not_come_back_with_a_border() -> None:
    history = [Applied("crop", sides(left=200), 1), Applied("pad", sides(left=250), 1)]
    seen = follow((10, 10, 30, 30), 100, 50, history)
    assert seen.share == pytest.approx(0.5)
    assert seen.box == (20, 10, 30, 30)
    gone = follow((0, 0, 15, 50), 100, 50, history)
    assert (gone.box, gone.share, gone.centre_is_seen) == (None, 0, False)


def test_a_patch_hides_the_share_that_it_covers() -> None:
    patch = {"x": 500, "y": 0, "width": 250, "height": 500}
    history = [Applied("flip_horizontal", {}, 1), Applied("occlude", patch, 1)]
    seen = follow((0, 0, 50, 100), 100, 100, history)
    # Mirrored it fills the right half, and the patch covers a quarter of that.
    assert seen.share == pytest.approx(0.75)
    assert seen.box == (50, 0, 100, 100)
    assert seen.centre == (75, 50)
    assert not seen.centre_is_seen


def test_a_box_that_is_followed_through_nothing_is_itself() -> None:
    seen = follow((1, 2, 3, 4), 10, 10, [])
    assert (seen.box, seen.share, seen.centre, seen.centre_is_seen) == (
        (1, 2, 3, 4),
        1,
        (2, 3),
        True,
    )
    with pytest.raises(AugmentError, match="outside its picture"):
        follow((1, 2, 30, 4), 10, 10, [])
