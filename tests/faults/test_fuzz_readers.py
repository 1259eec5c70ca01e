"""Damaged corpora cost their own records: nothing crashes, hangs, or is written elsewhere."""

import tomllib
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from fuzz_readers import BUILDS, damaged

from pipelines.catalog.samples import Rows
from pipelines.clean.examine import Pass, examine_confined, unexaminable
from pipelines.corpora.mapped.draft import drafted
from pipelines.corpora.opening import opened
from pipelines.corpora.reading import CorpusError, Raw
from pipelines.engine import LocalEngine

ROUNDS = 48
"""Of each layout under `slow`: 23 x 48 = 1,104 damaged corpora."""
SAMPLED = 6
"""Of each layout in every run: 138."""


def files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}


def examined(name: str, seed: int, folder: Path) -> int:
    """Examine one damaged corpus as ingest does; give how many records came of it."""
    wanted = damaged(name, seed, folder)
    with suppress(CorpusError):
        tomllib.loads(drafted(Path(wanted.path)).text)
    before = files(folder)
    walk = Pass("fuzz", folder / "w/media")
    try:
        with opened(wanted, folder, folder / "w/staging") as (corpus, root):
            batches: list[list[Raw]] = [list(corpus.read(root))]
            found = LocalEngine(1).map(partial(examine_confined, walk), batches, unexaminable)
            rows = Rows.together(list(found))
    except CorpusError:  # refused whole, in one sentence
        return 0
    assert {path for path in files(folder) - before if "w" not in path.parts} == set()
    reasons = rows.rejects.column("reason").to_pylist()
    assert all(reasons)
    return rows.read


@pytest.mark.parametrize("name", BUILDS)
def test_a_damaged_corpus_gives_records_and_reasons(name: str, tmp_path: Path) -> None:
    found = [examined(name, seed, tmp_path / str(seed)) for seed in range(SAMPLED)]
    assert any(found)


@pytest.mark.slow
@pytest.mark.parametrize("name", BUILDS)
def test_many_damaged_corpora_give_records_and_reasons(name: str, tmp_path: Path) -> None:
    found = [examined(name, seed, tmp_path / str(seed)) for seed in range(SAMPLED, ROUNDS)]
    assert sum(map(bool, found)) > ROUNDS / 4
