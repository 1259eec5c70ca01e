"""Ingests a corpus of many small bursts, so that it can be killed between them."""

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pipelines.ingest
from pipelines.corpora.reading import Pending, media_in, read_lines, text_of
from pipelines.corpora.registry import Corpus
from pipelines.engine import LocalEngine
from pipelines.record.sample import Answer, Sample, ask
from pipelines.workspace import Progress, Workspace, silent

RECORDS = 120


def write_corpus(root: Path, revision: int) -> Path:
    """Write questions about pictures; a later revision has other labels here and there."""
    from PIL import Image

    (root / "pictures").mkdir(parents=True)
    for shade in range(RECORDS // 4):
        Image.new("RGB", (8, 8), (shade, 9, 9)).save(root / f"pictures/{shade}.png")
    (root / "pictures/7.png").write_bytes(b"no picture")
    records = [
        {
            "question": f"How red is it, asked for the {i}. time?" if i % 50 else " ",
            "answer": str(i // 4 + revision * (i % 30 == 3)),
            "image": f"{i // 4}.png",
        }
        for i in range(RECORDS - 20 * revision)
    ]
    (root / "data.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    return root


def read(root: Path) -> Iterator[Pending]:
    return read_lines("shades", root / "data.jsonl", ".", partial(make, root))


def make(root: Path, ref: str, record: dict[str, Any]) -> Sample:
    picture = media_in(root / "pictures", record["image"], "image")
    return Sample(
        prompt=ask(text_of(record, "question"), picture),
        answer=Answer.number(record["answer"]),
        media=(picture,),
        task="shades/read",
        corpus="shades",
        source_ref=ref,
    )


SHADES = Corpus("shades", "Shades of red", "CC0-1.0", "", read)


def bring_in_here(workspace: Workspace, root: Path, revision: str, told: Progress = silent) -> None:
    """Ingest in this very process, in bursts of 16 records."""
    pipelines.ingest.BATCH, pipelines.ingest.BURST = 8, 16
    here = replace(SHADES, read=partial(read, root), generated=True)
    pipelines.ingest.ingest(workspace, here, revision=revision, progress=told)


def bring_in(workspace: Path, root: Path, revision: str) -> None:
    """Ingest in bursts of 30 records."""
    pipelines.ingest.BATCH, pipelines.ingest.BURST = 10, 30
    print("begun", flush=True)
    pipelines.ingest.ingest(
        Workspace(workspace, lock_timeout=20),
        SHADES,
        root,
        revision=revision,
        engine=LocalEngine(2),
    )


if __name__ == "__main__":
    bring_in(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
