from fractions import Fraction

import pytest

from augment.errors import AugmentError
from augment.timing import at_speed, cut, same_time


def test_twice_the_speed_halves_every_time() -> None:
    fast = at_speed(10, percent=200)
    assert fast.move_times([0, 3, 10]) == [0, Fraction(3, 2), 5]
    assert fast.seconds == 5


def test_a_chain_of_speeds_adds_no_error() -> None:
    there = at_speed(7, percent=93).then(at_speed(Fraction(700, 93), percent=107))
    assert there.scale == Fraction(100, 93) * Fraction(100, 107)
    back = there.inverse(7)
    assert there.then(back) == same_time(7)


def test_a_cut_moves_times_and_knows_what_it_took() -> None:
    middle = cut(2, 6)
    assert middle.move_times([2, 5]) == [0, 3]
    assert middle.is_inside(2)
    assert middle.is_inside(6)
    assert not middle.is_inside(1.5)
    assert middle.move_span(1, 3) == (0, 1)
    assert middle.visible_share(1, 3) == Fraction(1, 2)
    assert middle.visible_share(6.5, 9) == 0
    assert middle.visible_share(4, 4) == 1


def test_a_cut_after_a_speed_counts_in_the_new_times() -> None:
    there = at_speed(10, percent=50).then(cut(4, 20))
    assert there.move_times([2, 10]) == [0, 16]
    assert there.seconds == 16
    assert there.visible_share(0, 4) == Fraction(1, 2)


def test_time_is_never_stopped_or_turned_round() -> None:
    with pytest.raises(AugmentError, match="time cannot be scaled"):
        cut(5, 4)
