"""The replay buffer draws by what groups taught, and lets go of what is stale."""

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from train.replay import ReplayBuffer, ReplaySettings, Stored


def group(row: int, advantage: float, *, born: int = 1, lane: int = 0) -> Stored:
    return Stored(
        row=row,
        lane=lane,
        completion_ids=[[1, 2], [3]],
        advantages=[advantage, -advantage],
        logps=[[-0.5, -0.25], [-1.5]],
        ref_logps=None,
        born=born,
    )


def buffer(*groups: Stored, seed: int = 0, **settings: float) -> ReplayBuffer:
    made = ReplayBuffer(ReplaySettings(**settings), seed)  # type: ignore[arg-type]
    made.add(groups)
    return made


def counts(alpha: float, draws: int = 3000) -> list[int]:
    weights = [0.1, 0.4, 0.7, 1.0]
    rows = []
    for seed in range(draws):
        kept = buffer(*(group(i, w) for i, w in enumerate(weights)), seed=seed, alpha=alpha)
        rows += [drawn.row for drawn in kept.draw(1, lane=0, step=2)]
    return np.bincount(rows, minlength=4).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("alpha", [0.0, 1.0, 2.0])
def test_groups_are_drawn_by_their_advantage(alpha: float) -> None:
    expected = np.array([0.1, 0.4, 0.7, 1.0]) ** alpha
    found = counts(alpha)
    assert stats.chisquare(found, expected / expected.sum() * sum(found)).pvalue > 1e-3


def test_a_group_without_advantage_never_enters() -> None:
    assert len(buffer(group(0, 0.0), group(1, 0.5))) == 1


def test_an_empty_buffer_gives_nothing() -> None:
    assert buffer().draw(3, lane=0, step=1) == []
    assert buffer(group(0, 0.5)).draw(0, lane=0, step=2) == []


def test_groups_of_another_lane_or_asked_in_this_step_stay_away() -> None:
    kept = buffer(group(0, 0.5), group(1, 0.5, lane=1), group(2, 0.5))
    assert [g.row for g in kept.draw(9, lane=0, step=2, without=[2])] == [0]


def test_a_worn_group_is_dropped() -> None:
    kept = buffer(group(0, 0.5), max_uses=2)
    drawn = [len(kept.draw(1, lane=0, step=step)) for step in (2, 3, 4)]
    assert drawn == [1, 1, 0]
    assert len(kept) == 0


def test_an_old_group_is_dropped() -> None:
    kept = buffer(group(0, 0.5, born=1), max_age=4)
    assert len(kept.draw(1, lane=0, step=5)) == 1
    assert kept.draw(1, lane=0, step=6) == []


def test_the_oldest_go_first() -> None:
    kept = buffer(*(group(i, 0.5) for i in range(5)), groups=3)
    assert [g.row for g in kept.groups] == [2, 3, 4]


def test_what_was_saved_goes_on_alike(tmp_path: Path) -> None:
    kept = buffer(*(group(i, 0.1 + i / 7, born=i) for i in range(6)))
    kept.draw(2, lane=0, step=7)
    kept.save(tmp_path / "replay.parquet")
    again = buffer()
    again.load(tmp_path / "replay.parquet")
    assert again.groups == kept.groups
    later = [b.draw(2, lane=0, step=8) for b in (kept, again)]
    assert later[0] == later[1] != []


def test_an_empty_buffer_is_saved_too(tmp_path: Path) -> None:
    buffer().save(tmp_path / "replay.parquet")
    again = buffer(group(0, 0.5))
    again.load(tmp_path / "replay.parquet")
    assert len(again) == 0
