"""Cornell NLVR: statements about synthetic pictures, true or false (Suhr et al., ACL 2017).

Each statement comes with six pictures that show the same three boxes in another order, so that
its truth is the same in all six; they make one family of samples.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipelines.corpora.reading import (
    BadRecord,
    Fields,
    Pending,
    attempt,
    find_data,
    media_in,
    numbered_lines,
    parse,
    text_of,
)
from pipelines.record.sample import Answer, Sample, Split, ask
from pipelines.record.steps import Record

CORPUS = "nlvr"
LICENCE = "CC-BY-4.0"
DATA = "nlvr"
SPLITS: dict[str, Split] = {"train": "train", "dev": "validation", "test": "test"}
PICTURES = 6
LABELS = {"true": True, "false": False}


def read(root: Path) -> Iterator[Pending]:
    """Read six samples a record: the first picture, then its siblings with it as their parent."""
    data = find_data(root, DATA, *(f"{name}/{name}.json" for name in SPLITS))
    for name in SPLITS:
        path = data / name / f"{name}.json"
        for number, line in numbered_lines(path) if path.is_file() else ():
            ref = f"{DATA}/{name}/{name}.json:{number}"
            yield Pending(CORPUS, ref, _family, (data, name, ref, line))


def _family(data: Path, name: str, ref: str, line: bytes) -> list[Record]:
    record = parse(line)
    family: list[Record] = []
    first: Sample | None = None
    for k in range(PICTURES):
        member = attempt(CORPUS, f"{ref}#{k}", _sample, data, name, f"{ref}#{k}", record, k)
        if isinstance(member, Sample):
            first = first or member
            # Equal boxes give equal pictures: those are the very same sample, not a sibling.
            if member.sample_id != first.sample_id:
                member = replace(member, parent=first.sample_id)
        family.append(member)
    return family


def _sample(data: Path, name: str, ref: str, record: Fields, k: int) -> Sample:
    label = text_of(record, "label")
    if label not in LABELS:
        raise BadRecord("bad_answer", f"label {label[:80]!r} is neither true nor false")
    folder, identifier = text_of(record, "directory"), text_of(record, "identifier")
    picture = media_in(data, f"{name}/images/{folder}/{name}-{identifier}-{k}.png", "image")
    return Sample(
        # One line that offers both words, so that repeating it answers nothing.
        prompt=ask(f"True or false: {text_of(record, 'sentence').strip()}", picture),
        answer=Answer.bool(LABELS[label]),
        media=(picture,),
        task=f"{CORPUS}/statement",
        tags=("colour", "counting", "direction"),
        corpus=CORPUS,
        source_ref=ref,
        split=SPLITS[name],
        licence=LICENCE,
    )
