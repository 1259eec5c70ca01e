"""What a contact sheet shows: each transform on a few samples, and what is forbidden and why.

This file fills the cells; `pipelines.contact_sheet` draws them.
"""

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

import numpy as np
from PIL import Image

from augment.clip import Clip
from augment.errors import AugmentError
from augment.history import from_json, replay, steps_for
from augment.places import coordinates
from augment.recipes import Recipe, Step
from augment.transforms import TRANSFORMS, find
from pipelines.catalog.samples import load_samples
from pipelines.contact_sheet import Cell, Row
from pipelines.policies.film import shown_frames
from pipelines.policies.spectrogram import log_mel_picture
from pipelines.record.canonical import canonical_json
from pipelines.record.media import BadMedia, Media, decode_audio, decode_image
from pipelines.record.sample import Answer, Sample
from pipelines.record.steps import Reject
from pipelines.twins import CannotTwin, TwinMaker, concerns
from pipelines.views import Sizes, sizes_of, view
from pipelines.workspace import Workspace

COPIES = 3
"""Whole draws of a recipe that are shown."""
FILM = 4
"""Frames of a video that are shown, side by side."""
LONGEST_WORD = 12
"""Characters of a drawn word that are shown, such as of the hash of a clip."""


@dataclass(frozen=True)
class Preview:
    """Shows what becomes of samples."""

    workspace: Workspace
    maker: TwinMaker
    recipe: Recipe | None = None
    """Only its transforms, as strong as it has them, and a few whole draws of it."""

    def rows(self, sample_ids: Sequence[str], count: int) -> list[Row]:
        """Choose samples, of as many tasks as possible, and fill their cells."""
        samples = self._chosen(sample_ids, count)
        sizes = sizes_of(self.workspace, samples)
        return [self._row(sample, sizes) for sample in samples]

    def _chosen(self, sample_ids: Sequence[str], count: int) -> list[Sample]:
        """Draw from the tasks in turn, of what the recipe is for."""
        query = "select sample_id, task, modality from samples where history is null order by all"
        wanted, by_task = set(sample_ids), defaultdict[str, list[str]](list)
        for row in self.workspace.catalog.rows(query):
            if row["sample_id"] in wanted and self._is_for(row["modality"]):
                by_task[row["task"]].append(row["sample_id"])
        rng = random.Random(self.maker.seed)
        groups = [rng.sample(ids, min(count, len(ids))) for ids in by_task.values()]
        turns = chain.from_iterable(zip_longest(*groups))
        ids = [sample_id for sample_id in turns if sample_id is not None]
        return load_samples(self.workspace.catalog, ids[:count])

    def _is_for(self, modality: str) -> bool:
        return self.recipe is None or self.recipe.medium in (*modality.split("+"), "text")

    def _row(self, sample: Sample, sizes: Sizes) -> Row:
        clean = self._cell(sample, sample, "as it is", "")
        cells = clean, *self._twins(sample, sizes)
        return Row(sample.task, sample.question, in_words(sample.answer), cells)

    def _twins(self, sample: Sample, sizes: Sizes) -> Iterator[Cell]:
        steps = self.recipe.steps if self.recipe else [Step(name) for name in TRANSFORMS]
        for step in steps:
            if concerns(step.transform, sample):
                yield self._twin(sample, step, sizes)
        if self.recipe:
            for copy in range(COPIES):
                yield self._copy(sample, self.recipe, copy, sizes)

    def _twin(self, sample: Sample, step: Step, sizes: Sizes) -> Cell:
        try:
            twin = self.maker.make(sample, step, sizes)
        except CannotTwin as refused:
            return Cell(step.transform, forbidden=refused.reason)
        return self._cell(sample, twin, step.transform, drawn(twin))

    def _copy(self, sample: Sample, recipe: Recipe, copy: int, sizes: Sizes) -> Cell:
        title, maker = f"copy {copy + 1}", self.maker
        made = view(sample, recipe, copy, maker.seed, sizes=sizes, table=maker.table)
        if isinstance(made, Sample):
            return self._cell(sample, made, title, drawn(made, named=True))
        why = made.detail if isinstance(made, Reject) else "every transform is forbidden"
        return Cell(title, forbidden=why)

    def _cell(self, sample: Sample, shown: Sample, title: str, note: str) -> Cell:
        """Fill the cell of a sample as it is, or of what was made of it."""
        notes = [note] if note else []
        if shown.answer != sample.answer:
            notes.append(f"answer: {in_words(shown.answer)}")
        if not shown.media or _only_words(shown):
            return Cell(title, "\n".join(notes), text=shown.question, before=sample.question)
        if shown.question != sample.question:
            notes.append(shown.question)
        try:
            media = [self._drawn_medium(shown, medium) for medium in shown.media]
        except (AugmentError, BadMedia) as error:
            return Cell(title, "\n".join(notes), forbidden=str(error))
        seconds = sum(length for _, length in media)
        notes += [f"{seconds:.2f} s"] if seconds else []
        pictures = tuple(picture for picture, _ in media)
        if not seconds and "video" not in shown.modality:
            notes.append(", ".join(f"{one.width} x {one.height} pixels" for one in pictures))
        return Cell(title, "\n".join(notes), pictures, marks(shown.answer), seconds)

    def _drawn_medium(self, shown: Sample, medium: Media) -> tuple[Image.Image, float]:
        """Draw a medium as its history leaves it, and measure how many seconds it lasts."""
        history = from_json(canonical_json(list(shown.history)))
        steps = steps_for(medium.kind, history)
        data = self.workspace.media.read(medium.media_id)
        if medium.kind == "audio":
            clip = replay(Clip(*decode_audio(data)), steps)
            return log_mel_picture(clip.samples, clip.rate), len(clip.samples) / clip.rate
        if medium.kind == "video":
            frames = shown_frames(data, steps, FILM)
            return Image.fromarray(np.concatenate(list(frames), axis=1)), 0.0
        return Image.fromarray(np.asarray(replay(decode_image(data), steps))), 0.0


def in_words(answer: Answer) -> str:
    """Give an answer as a person would read it."""
    if answer.kind == "choice":
        letter = str(answer.value)
        return f"{letter}) {answer.options[ord(letter) - ord('A')]}"
    if answer.kind == "bool":
        return "yes" if answer.value else "no"
    if isinstance(answer.value, str):
        return f"{answer.value} {answer.unit}".strip()
    numbers = coordinates(answer.value)
    return ", ".join(f"{n:g}" for n in numbers) if numbers else canonical_json(answer.value)


def marks(answer: Answer) -> tuple[tuple[float, ...], ...]:
    """Give the points (two numbers) and boxes (four) of an answer, in pixels of its picture."""
    if answer.kind not in ("box", "boxes", "point"):
        return ()
    numbers, length = coordinates(answer.value), 2 if answer.kind == "point" else 4
    return tuple(tuple(numbers[i : i + length]) for i in range(0, len(numbers), length))


def drawn(shown: Sample, *, named: bool = False) -> str:
    """Say what was drawn for a view, without the seeds."""
    lines = []
    for applied in from_json(canonical_json(list(shown.history))):
        numbers = [
            f"{key} {str(value)[:LONGEST_WORD]}"
            for key, value in applied.params.items()
            if key != "seed"
        ]
        lines.append(" ".join([applied.name] * named + [", ".join(numbers)]).strip())
    return "\n".join(filter(None, lines))


def _only_words(shown: Sample) -> bool:
    """Whether nothing was done but to the words."""
    history = from_json(canonical_json(list(shown.history)))
    return bool(history) and {find(one.name).medium for one in history} == {"text"}
