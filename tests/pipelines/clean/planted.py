"""Pictures and samples to plant in a catalog: what is one, and what only looks like it."""

import io
from collections.abc import Callable, Sequence

import numpy as np
import pyarrow as pa
from PIL import Image, ImageDraw, ImageFont, ImageOps

from pipelines.catalog.catalog import now
from pipelines.catalog.ledger import append_new
from pipelines.catalog.samples import add_samples
from pipelines.record.media import Media, inspect
from pipelines.record.sample import Answer, Sample, Split, ask
from pipelines.workspace import Workspace


def figure(seed: int, number: int = 7) -> Image.Image:
    """Draw a diagram of lines and shapes, with a number printed in it."""
    rng = np.random.default_rng(seed)
    picture = Image.new("RGB", (360, 280), "white")
    draw = ImageDraw.Draw(picture)
    for _ in range(7):
        corners = [tuple(rng.integers(10, (350, 270)).tolist()) for _ in range(3)]
        draw.polygon(corners, outline="black", fill=tuple(rng.integers(60, 255, 3).tolist()))
    draw.rectangle((160, 120, 200, 150), fill="white")
    draw.text((165, 120), f"{number}", fill="black", font=ImageFont.load_default(26))
    return picture


def encoded(picture: Image.Image, form: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **options)
    return buffer.getvalue()


def halved(picture: Image.Image) -> Image.Image:
    return picture.resize((picture.width // 2, picture.height // 2), Image.Resampling.LANCZOS)


def cropped(picture: Image.Image) -> Image.Image:
    across, down = picture.width // 20, picture.height // 20
    return picture.crop((across, down, picture.width, picture.height))


CHANGED: dict[str, Callable[[Image.Image], bytes]] = {
    "encoded without loss": lambda picture: encoded(picture, compress_level=1),
    "marked with EXIF": lambda picture: encoded(picture, exif=_exif()),
    "JPEG 30": lambda picture: encoded(picture, "JPEG", quality=30),
    "WebP 50": lambda picture: encoded(picture, "WEBP", quality=50),
    "half the size": lambda picture: encoded(halved(picture)),
    "mirrored": lambda picture: encoded(ImageOps.mirror(picture)),
    "turned by 90": lambda picture: encoded(picture.transpose(Image.Transpose.ROTATE_90)),
}
"""What may be done to a picture that still is the same one."""


def sample(
    question: str,
    answer: Answer,
    picture: bytes | None = None,
    *,
    corpus: str = "pool",
    ref: str = "",
    split: Split = "train",
    parent: str | None = None,
) -> Sample:
    media = () if picture is None else (Media.of_bytes(picture, "image"),)
    return Sample(
        prompt=ask(question, *media),
        answer=answer,
        media=media,
        task="planted",
        corpus=corpus,
        source_ref=ref or f"{question}{answer.value}",
        split=split,
        parent=parent,
    )


def keep(workspace: Workspace, samples: Sequence[Sample], *, benchmark: bool = False) -> None:
    """Put samples of one corpus, and their media, where an ingest puts them."""
    corpus = {"corpus": samples[0].corpus, "benchmark": benchmark, "revision": "r1"}
    facts = {}
    for medium in (medium for one in samples for medium in one.media):
        workspace.media.put(medium)
        facts[medium.media_id] = inspect(medium, medium.read())
    with workspace.catalog.write() as connection:
        row = pa.Table.from_pylist([corpus | {"complete": True, "ingested_at": now()}])
        append_new(connection, "corpora", row, key="corpus")
        add_samples(connection, samples, list(facts.values()))


def _exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010E] = "a copy"
    return exif
