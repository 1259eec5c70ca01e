"""Verdicts on paired rates: what the interval covers, and how many pairs a margin takes."""

import numpy as np
import pytest

from pipelines.scoring.paired import Paired, pairs_before


def paired(differences: np.ndarray) -> Paired:
    return Paired(len(differences), differences.sum(), (differences**2).sum())


@pytest.mark.parametrize(
    ("clean", "twin", "pairs"), [(0.9, 0.9, 100), (0.5, 0.4, 60), (1.0, 1.0, 30)]
)
def test_the_interval_covers_the_true_difference_in_95_of_100(
    clean: float, twin: float, pairs: int
) -> None:
    rng = np.random.default_rng(0)
    draws = rng.binomial(4, twin, (2000, pairs)) / 4 - rng.binomial(4, clean, (2000, pairs)) / 4
    intervals = [paired(row).interval for row in draws]
    covered = np.mean([low <= twin - clean <= high for low, high in intervals])
    assert covered > 0.935


def test_a_harmless_transform_seldom_loses_and_a_harmful_one_seldom_keeps() -> None:
    rng = np.random.default_rng(1)
    clean = rng.binomial(4, 0.8, (500, 534)) / 4
    same = [paired(row).verdict(0.03) for row in rng.binomial(4, 0.8, (500, 534)) / 4 - clean]
    worse = [paired(row).verdict(0.03) for row in rng.binomial(4, 0.7, (500, 534)) / 4 - clean]
    assert same.count("loses") == 0
    assert worse.count("keeps") == 0
    assert worse.count("loses") > 450


def test_pairs_without_any_difference_leave_a_doubt_that_shrinks() -> None:
    assert Paired(50).verdict(0.03) == "undecided"
    needed = Paired(50).needed(0.03)
    assert needed is not None
    assert 80 < needed < 200
    assert Paired(100).verdict(0.03) == "keeps"
    assert Paired(100).interval[1] == pytest.approx(0.027, abs=0.001)


def test_as_many_pairs_as_are_said_to_be_needed_decide() -> None:
    rng = np.random.default_rng(2)
    few = paired(rng.binomial(4, 0.6, 60) / 4 - rng.binomial(4, 0.8, 60) / 4)
    needed = few.needed(0.15)
    assert needed is not None
    more = Paired(needed, few.total * needed / 60, few.squares * needed / 60)
    assert more.verdict(0.15) != "undecided"


def test_the_pairs_for_a_margin_are_known_before_anything_is_asked() -> None:
    # 1.96^2 / (2 answers margin^2)
    assert [pairs_before(0.03, answers) for answers in (1, 2, 4)] == [2135, 1068, 534]
    rng = np.random.default_rng(3)
    tosses = rng.binomial(4, 0.5, (400, 534)) / 4 - rng.binomial(4, 0.5, (400, 534)) / 4
    halves = [row[1] - row[0] for row in (paired(one).interval for one in tosses)]
    assert np.mean(halves) / 2 == pytest.approx(0.03, rel=0.05)


def test_at_the_very_margin_no_sensible_number_would_tell() -> None:
    assert Paired(98, total=-3.0, squares=9.0).needed(0.03) is None
