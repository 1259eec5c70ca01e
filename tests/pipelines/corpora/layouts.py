"""Corpora that nobody has written a reader for, in several layouts, each with its mapping."""

import base64
import csv
import io
import json
import tarfile
import zipfile
from collections.abc import Mapping as Fields
from collections.abc import Sequence
from pathlib import Path

from extracts import png, wav, write, write_lines

from pipelines.corpora.mapped.mapping import Mapping
from pipelines.corpora.mapped.reader import read_mapped
from pipelines.corpora.opening import Wanted, opened
from pipelines.corpora.reading import made
from pipelines.record.sample import Sample
from pipelines.record.steps import Record, Reject

NUMBER: dict[str, object] = {"kind": "number", "field": "answer"}


def mapping(**keys: object) -> Mapping:
    usual: dict[str, object] = {"prompt": "{question}", "answer": NUMBER}
    return Mapping.model_validate(usual | keys)


def read(root: Path, **keys: object) -> list[Record]:
    """Read a folder as a mapping with these keys says."""
    return list(made(read_mapped("mine", mapping(**keys), (), root)))


def sample(root: Path, **keys: object) -> Sample:
    """Read the one sample of a folder."""
    (record,) = read(root, **keys)
    assert isinstance(record, Sample), record
    return record


def reasons(records: Sequence[object]) -> list[str]:
    return [record.reason for record in records if isinstance(record, Reject)]


def asked(record: Sample) -> str:
    """Write a prompt with its media in brackets."""
    return "|".join(
        block.text if block.type == "text" else f"[{block.type}]"
        for message in record.prompt
        for block in message.content
    )


def nested_json(root: Path) -> Path:
    """Write one pretty JSON file: pictures in base64, several questions on each."""
    items = [
        {
            "meta": {"uid": f"u{i}", "topic": "dots"},
            "scene": {"render": {"b64": base64.b64encode(png(i)).decode()}},
            "qa": [
                {"q": "How many dots are in <image>?", "a": {"v": i}},
                {"q": "How many are red?", "a": {"v": "0"}},
            ],
        }
        for i in range(3)
    ]
    write(root / "all.json", json.dumps({"version": 2, "items": items}, indent=1))
    return root


NESTED = """
licence = "CC0-1.0"
each = "qa"
id = "{meta.uid}"
prompt = "{q}"
task = "scenes/{meta.topic}"

[answer]
kind = "number"
field = "a.v"

[[media]]
field = "scene.render.b64"
"""


def csv_of_clips(root: Path) -> Path:
    """Write a CSV file that names clips in a folder beside it; one leads out of the corpus."""
    rows = [(f"s{i}.wav", f"hello, world {i}", "dev" if i == 2 else "train") for i in range(3)]
    for i in range(3):
        write(root / f"clips/s{i}.wav", wav(800 + i))
    text = io.StringIO()
    csv.writer(text).writerows([("clip", "text", "fold"), *rows, ("../../x.wav", "x", "train")])
    write(root / "list.csv", text.getvalue())
    return root


CLIPS = """
files = "*.csv"
prompt = "Write down what is said."
tags = ["speech"]

[answer]
kind = "transcript"
field = "text"

[[media]]
kind = "audio"
field = "clip"
base = "clips"

[split]
field = "fold"
"""


def tar_of_pairs(root: Path) -> Path:
    """Write a tar in which a picture and a JSON file of one name are a record."""
    members = {}
    for i in range(3):
        question = {"question": "Which is it?", "choices": ["cat", "dog"], "label": i % 2}
        members |= {f"{i:04d}.jpg": png(50 + i), f"{i:04d}.json": json.dumps(question).encode()}
    write(root / "shard-000.tar", tar(members))
    return root


PAIRS = """
format = "pairs"
prompt = "{json.question}"

[answer]
kind = "choice"
field = "json.label"
options = "json.choices"
by = "0"

[[media]]
field = "jpg"
"""


def tar(members: Fields[str, bytes], mode: str = "w") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as file:  # type: ignore[call-overload]
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            file.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def zipped(members: Fields[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return buffer.getvalue()


def through_the_door(root: Path, toml: str, staging: Path) -> list[Record]:
    """Read a corpus as the command does: its mapping from a file, its archives unpacked."""
    path = write(staging.parent / "map.toml", toml)
    with opened(Wanted("mine", str(root), path), staging, staging) as (corpus, place):
        return list(made(corpus.read(place)))


__all__ = ["write_lines"]
