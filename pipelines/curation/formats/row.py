"""One row of a dataset on its way to another trainer: what it shows, asks and takes for right."""

from dataclasses import dataclass
from typing import Any, Literal

from pipelines.curation.formats.wording import gold
from pipelines.record import portable
from pipelines.record.canonical import canonical_json
from pipelines.record.media import MediaKind
from pipelines.record.sample import Answer, Message, Reference, Sample

MediaForm = Literal["paths", "embedded"]
MEDIA = "media"
"""Folder of the media that rows show."""
ORIGINALS = "originals"
"""Folder of the media that were drawn anew, as they came."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A medium as a trainer gets it: any picture upright, of plain colours and one frame."""

    kind: MediaKind
    name: str
    """File name: the SHA-256 of the bytes, with an ending that says the format."""
    data: bytes
    size: tuple[int, int] | None = None
    """Of a picture: width and height."""

    @property
    def path(self) -> str:
        """Where it lies in the folder of the export."""
        return f"{MEDIA}/{self.name}"

    @property
    def mime(self) -> str:
        """The type as data URLs say it."""
        ending = self.name.rpartition(".")[2]
        return f"{self.kind}/{ {'jpg': 'jpeg', 'mp3': 'mpeg'}.get(ending, ending) }"


@dataclass(frozen=True, slots=True)
class Row:
    """A row in its place of the curated order."""

    position: int
    stage: int
    padded: bool
    pass_rate: float | None
    split: str
    sample: Sample
    """As it was curated."""
    prompt: tuple[Message, ...]
    """What is asked, in the words of the prompt template and of the frame of coordinates."""
    answer: Answer
    """What is right, in the frame of coordinates."""
    media: tuple[Shown, ...]

    @property
    def gold(self) -> str:
        """The right answer as plain text."""
        return gold(self.answer, self.sample.question)

    @property
    def where(self) -> str:
        """How a message names it."""
        return f"position {self.position} (sample {self.sample.sample_id})"

    def of_kind(self, kind: MediaKind) -> list[Shown]:
        """The media of one kind, in the order of their places."""
        return [medium for medium in self.media if medium.kind == kind]

    def extras(self) -> dict[str, Any]:
        """What a curriculum needs of a row, and what makes the same sample of it again."""
        return {
            "sample_id": self.sample.sample_id,
            "position": self.position,
            "stage": self.stage,
            "padded": self.padded,
            "pass_rate": self.pass_rate,
            "task": self.sample.task,
            "answer_kind": self.answer.kind,
            "reference": canonical_json(Reference(self.answer, self.sample.steps).as_json()),
            portable.COLUMN: portable.to_text(self.sample),
        }


@dataclass(frozen=True, slots=True)
class Layout:
    """What holds for all rows of an export."""

    form: MediaForm
    kinds: frozenset[MediaKind]
    """Media that any row has: a column for them is in every row or in none."""
    at: str
    """Folder where the trainer will find the files; loaders without an option for it need it."""

    def absolute(self, medium: Shown) -> str:
        """Where a medium will lie."""
        return f"{self.at}/{medium.path}"
