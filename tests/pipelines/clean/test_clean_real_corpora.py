"""The real corpora: true duplicates are found, siblings and templates stay, nothing leaks."""

import os
from pathlib import Path

import pytest

from pipelines.clean.cleaning import clean
from pipelines.corpora.registry import CORPORA
from pipelines.ingest import ingest
from pipelines.workspace import Workspace

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.slow,
    pytest.mark.skipif("CURRICLE_TEST_CORPORA" not in os.environ, reason="needs real corpora"),
]
ROOT = Path(os.environ.get("CURRICLE_TEST_CORPORA", ""))


def test_only_equal_pictures_with_equal_questions_are_one(workspace: Workspace) -> None:
    for name in ("gsm8k", "nlvr", "puzzlevqa", "blindtest"):
        ingest(workspace, CORPORA[name], ROOT / name, benchmark=name == "blindtest")
    summary = clean(workspace)
    # Eleven puzzles come twice, with their options in another order.
    assert summary.duplicates == {"same question and media": 11}
    assert (summary.conflicts, summary.leaks, summary.same_picture) == ({}, {}, {})
    gone = workspace.catalog.rows(
        "select distinct corpus from samples semi join duplicates using (sample_id)"
    )
    assert gone == [{"corpus": "puzzlevqa"}]
