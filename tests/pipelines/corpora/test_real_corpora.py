"""The readers on the real corpora: every record arrives, checkable, with media that decode."""

import os
from collections import Counter
from pathlib import Path

import pytest

from pipelines.clean.media import inspect_media
from pipelines.clean.screen import SCREEN
from pipelines.corpora.reading import made
from pipelines.corpora.registry import CORPORA
from pipelines.record.evidence import ImportedRollout
from pipelines.record.sample import Sample
from pipelines.record.steps import Reject, keep_if, run

pytestmark = [
    pytest.mark.corpora,
    pytest.mark.skipif("CURRICLE_TEST_CORPORA" not in os.environ, reason="needs real corpora"),
]
ROOT = Path(os.environ.get("CURRICLE_TEST_CORPORA", ""))


@pytest.mark.parametrize(
    ("name", "sources", "distinct", "originals"),
    [
        ("gsm8k", 1400, 1400, 1400),
        ("fsdd", 600, 600, 600),
        # Nine records show equal boxes, so that 29 of their pictures occur again.
        ("nlvr", 1206, 1177, 201),
        ("puzzlevqa", 180, 180, 180),
        ("blindtest", 496, 62, 62),
        ("aqua", 254, 254, 254),
        ("mathvision", 200, 200, 200),
        # 64 boxes of nine kinds of widgets on two screens.
        ("guipilot", 9, 9, 9),
    ],
)
def test_every_record_arrives(name: str, sources: int, distinct: int, originals: int) -> None:
    rules = (keep_if(rule, stage="screen") for rule in SCREEN)
    inspected = list(inspect_media(run(made(CORPORA[name].read(ROOT / name)), *rules)))
    assert [record for record in inspected if isinstance(record, Reject)] == []
    samples = [record[0] for record in inspected if not isinstance(record, Reject)]
    assert len({sample.source_ref for sample in samples}) == len(samples) == sources
    assert len({sample.sample_id for sample in samples}) == distinct
    assert len({sample.sample_id for sample in samples if sample.parent is None}) == originals


def test_boxes_of_the_screens_all_arrive() -> None:
    samples = [
        s for s in made(CORPORA["guipilot"].read(ROOT / "guipilot")) if isinstance(s, Sample)
    ]
    boxes = [len(s.answer.value) if s.answer.kind == "boxes" else 1 for s in samples]  # type: ignore[arg-type]
    assert sum(boxes) == 64


def test_every_step_of_the_desktop_sessions_is_a_sample_or_says_why_not() -> None:
    rules = (keep_if(rule, stage="screen") for rule in SCREEN)
    read = made(CORPORA["screenagent"].read(ROOT / "screenagent"))
    inspected = list(inspect_media(run(read, *rules)))
    samples = [record[0] for record in inspected if not isinstance(record, Reject)]
    reasons = Counter(record.reason for record in inspected if isinstance(record, Reject))
    assert len(inspected) == 76
    assert reasons == {"negative_example": 26, "open_answer": 6}
    assert Counter(sample.answer.kind for sample in samples) == {"json": 33, "point": 11}
    # One family a session, led by its first sample.
    assert len({sample.parent or sample.sample_id for sample in samples}) == 6


@pytest.mark.parametrize(
    ("name", "outcomes", "right", "policies"), [("gsm8k", 1600, 573, 4), ("blindtest", 496, 346, 4)]
)
def test_evidence_is_about_samples_that_were_read(
    name: str, outcomes: int, right: int, policies: int
) -> None:
    corpus = CORPORA[name]
    assert corpus.evidence is not None
    rollouts = [r for r in corpus.evidence(ROOT / name) if isinstance(r, ImportedRollout)]
    read = {s.sample_id for s in made(corpus.read(ROOT / name)) if not isinstance(s, Reject)}
    keys = {(r.sample.sample_id, r.policy, r.template, r.k) for r in rollouts}
    assert len(keys) == len(rollouts) == outcomes
    assert {r.sample.sample_id for r in rollouts} <= read
    assert len({r.policy for r in rollouts}) == policies
    assert sum(r.correct for r in rollouts) == right
