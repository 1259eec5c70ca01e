"""Broken media cost nobody anything: each is kept or rejected with its reason, within bounds."""

from pathlib import Path

import pytest

from pipelines.confinement import MEMORY
from tests.faults.fuzz_media import broken_files, fuzz, good_files


@pytest.mark.parametrize(
    ("count", "seed"), [(150, 0), pytest.param(2400, 1, marks=pytest.mark.slow)]
)
def test_every_broken_file_is_kept_or_rejected(tmp_path: Path, count: int, seed: int) -> None:
    canary = tmp_path / "canary"
    canary.write_text("sings")
    outcome = fuzz(tmp_path / "media", count, seed)
    files = {broken.ref: broken for broken in broken_files(count, seed)}
    assert not outcome.kept & set(outcome.rejected)
    assert outcome.kept | set(outcome.rejected) == set(files)
    assert all(outcome.rejected.values())
    assert outcome.unshown == []
    assert outcome.peak_bytes < MEMORY
    # A decoder may still fall over, which costs its process and that one file.
    assert outcome.reasons["broke_its_process"] <= count // 100
    assert len(outcome.reasons) >= 4
    assert count // 20 < len(outcome.kept) < count
    _only_what_was_kept(tmp_path, {files[ref].data for ref in outcome.kept})


def _only_what_was_kept(root: Path, kept: set[bytes]) -> None:
    found = [path for path in root.rglob("*") if path.is_file()]
    assert {path.read_bytes() for path in found} == {b"sings"} | kept


def test_the_same_seed_breaks_the_same_files() -> None:
    first, second, other = (list(broken_files(60, seed)) for seed in (3, 3, 4))
    assert first == second
    assert not {b.data for b in first} & {b.data for b in other}
    good = set(good_files().values())
    assert sum(broken.data in good for broken in first) < 6
