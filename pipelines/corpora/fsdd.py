"""Free Spoken Digit Dataset: recordings of single digits; the file name is the label."""

import re
from collections.abc import Iterator
from pathlib import Path

from pipelines.corpora.reading import BadRecord, Pending, find_data, media_in
from pipelines.record.sample import Answer, Sample, ask

CORPUS = "fsdd"
LICENCE = "CC-BY-SA-4.0"
DATA = "recordings"
QUESTION = "Which digit is spoken? Answer with the digit."
TEST_TAKES = 5
"""Upstream holds the first five takes of every digit and speaker out for testing."""

_NAME = re.compile(r"([0-9])_([^_]+)_([0-9]+)\.wav")


def read(root: Path) -> Iterator[Pending]:
    """Read one sample a recording."""
    data = find_data(root, DATA, "*.wav")
    for path in sorted(data.glob("*.wav")):
        ref = f"{DATA}/{path.name}"
        yield Pending(CORPUS, ref, _sample, (data, path.name, ref))


def _sample(data: Path, name: str, ref: str) -> Sample:
    match = _NAME.fullmatch(name)
    if match is None:
        raise BadRecord("no_answer", "the name is not digit_speaker_take.wav")
    digit, _speaker, take = match.groups()
    clip = media_in(data, name, "audio")
    return Sample(
        prompt=ask(QUESTION, clip),
        answer=Answer.number(digit),
        media=(clip,),
        task=f"{CORPUS}/digit",
        tags=("speech",),
        corpus=CORPUS,
        source_ref=ref,
        split="test" if int(take) < TEST_TAKES else "train",
        licence=LICENCE,
    )
