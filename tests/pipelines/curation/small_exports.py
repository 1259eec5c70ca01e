"""A small catalog with all that is hard to hand on, frozen, and its exports."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from PIL import Image
from small_catalog import a_plan, add, choice_question, sum_question, tried

from pipelines.curation.curate import curate
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Block, Message, Sample, ask
from pipelines.workspace import Workspace

NOISE = {"name": "gaussian_noise", "params": {"sigma": 9, "seed": 1}, "version": 1}


def picture(
    shade: int, *, size: tuple[int, int] = (60, 40), mode: str = "RGB", turned: int = 1
) -> Media:
    """A picture; CMYK and turned ones are JPEG, as cameras and printers write them."""
    across = np.linspace(0, 255, size[0], dtype=np.uint8)
    pixels = np.stack([np.tile(across, (size[1], 1))] * 3, axis=-1)
    pixels[..., 0] = shade
    made = Image.fromarray(pixels).convert(mode)
    file = io.BytesIO()
    exif = made.getexif()
    exif[0x0112] = turned
    made.save(file, "JPEG" if mode == "CMYK" or turned > 1 else "PNG", exif=exif)
    return Media.of_bytes(file.getvalue(), "image")


def tone(number: int) -> Media:
    file = io.BytesIO()
    samples = np.sin(np.arange(800) * (0.1 + number / 50)).astype(np.float32)
    soundfile.write(file, samples, 8000, format="WAV")
    return Media.of_bytes(file.getvalue(), "audio")


def asked(
    text: str, answer: Answer, *media: Media, task: str = "hard/one", **changes: Any
) -> Sample:
    given: dict[str, Any] = {"prompt": ask(text, *media)} | changes
    return Sample(
        answer=answer, media=media, task=task, corpus="hard", source_ref=f"train/{text}", **given
    )


def hard_samples() -> list[Sample]:
    """One of each: counts, frames, odd files, tags in words, systems, steps, views."""
    first, second = picture(10), picture(200)
    box = Answer(kind="box", value=["6", "4", "30", "20"])
    clean = asked("How red?", Answer.number(10, tolerance="5%", unit="%"), first)
    apart = Message(
        "user",
        (
            *(Block("text", "True or false: "), Block("image"), Block("text", " is darker than ")),
            *(Block("image"), Block("text", ".")),
        ),
    )
    system = ask("Say it.", picture(77), system="You are terse.")
    return [
        clean,
        replace(clean, parent=clean.sample_id, history=(NOISE,), recipe="noisy"),
        asked("", Answer.bool(True), first, second, task="hard/two", prompt=(apart,)),
        asked("Where is the box?", box, picture(30)),
        asked(
            "Where to click?", Answer(kind="point", value=["12", "8"], tolerance="3"), picture(31)
        ),
        asked("A print", Answer.text("ink", ("inks",)), picture(40, mode="CMYK")),
        asked("Through glass", Answer.text("glass"), picture(50, mode="RGBA")),
        asked("On its side", Answer.text("tower"), picture(60, turned=6)),
        asked("What does <image> mean, or <|image_pad|>?", Answer.text("a tag"), picture(61)),
        asked("Which angle?", Answer(kind="math", value="\\frac{\\pi}{3}"), picture(62)),
        asked("", Answer.text("yes sir"), picture(77), prompt=system),
        asked("Name <image> in words", Answer.text("image")),
        asked("Rows and columns?", Answer.json([2, 3]), steps=("Count.", "Write <image>.")),
        *(choice_question(i) for i in range(3)),
        *(sum_question(i) for i in range(2)),
    ]


def hard_workspace(root: Path) -> Workspace:
    """A workspace with `hard@1`, all of them, `single@1`, without two media in one, and `heard@1`."""
    workspace = Workspace(root, lock_timeout=20)
    samples = hard_samples()
    heard = [asked(f"Tone {i}?", Answer.number(i), tone(i), task="hard/tone") for i in range(4)]
    add(workspace, [*samples, *heard])
    rights = {s.sample_id: 3 + i % 3 for i, s in enumerate([*samples, *heard])}
    tried(workspace, rights, reward="any@1")
    for name, where in (
        ("hard", "task <> 'hard/tone'"),
        ("single", "task not in ('hard/tone', 'hard/two')"),
        ("heard", "task = 'hard/tone'"),
    ):
        plan = {"where": where, "include_views": True, "control": {"draw": False}}
        curate(workspace, a_plan(**plan | {"name": name, "order": {"stages": 2}}))
    return workspace
