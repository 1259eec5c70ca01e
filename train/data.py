"""From shards to what GRPOTrainer takes, in the order of their positions.

Prompts and pictures come from `pipelines.policies.render`, as in scoring, so that training asks
the very question that was scored. Rows are rendered when they are first asked for and kept while
memory allows; `datasets` sees nothing but row numbers.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset

from pipelines.policies.policy import Request
from pipelines.policies.render import ReadMedia, in_words, render
from pipelines.policies.templates import PromptTemplate
from pipelines.record.canonical import canonical_json
from pipelines.record.media import MediaKind
from pipelines.record.sample import Sample
from pipelines.workspace import WrongUse

PICTURE_BYTES = 512 * 2**20
"""Rendered pictures kept in memory at most."""


@dataclass(frozen=True, slots=True)
class Row:
    """One place in the curated order."""

    position: int
    stage: int
    sample: Sample


class CuratedRows:
    """The training rows of a dataset version, as one policy sees them."""

    def __init__(
        self,
        rows: Sequence[Row],
        read: ReadMedia,
        template: PromptTemplate,
        takes: frozenset[MediaKind],
    ) -> None:
        self.rows = rows
        self.read = read
        self.template = template
        self.takes = takes
        self._requests: OrderedDict[int, Request] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self.rows)

    def dataset(self) -> Dataset:
        """Give the dataset for GRPOTrainer; its rows are made when they are looked at."""
        dataset = Dataset.from_dict({"row": list(range(len(self.rows)))})
        dataset.set_transform(self)
        return dataset

    def __call__(self, batch: dict[str, list[int]]) -> dict[str, list[Any]]:
        """Turn row numbers into columns, as `datasets` wants of a transform."""
        rows = [self.row(index) for index in batch["row"]]
        return {name: [row[name] for row in rows] for name in rows[0]}

    def __reduce__(self) -> tuple[Any, ...]:
        # `datasets` pickles a transform only to name it; nobody needs the rows back.
        return str, (f"{self.template.template_id}:{len(self.rows)}",)

    def row(self, index: int) -> dict[str, Any]:
        """One row: the prompt in block form, its pictures, and what the reward needs."""
        row, request = self.rows[index], self.request(index)
        return {
            "prompt": list(request.messages) if self.takes else in_words(request.messages),
            # An empty list, not None: only a batch of empty lists passes as one without pictures.
            "images": list(request.images),
            "sample_id": row.sample.sample_id,
            "position": row.position,
            "stage": row.stage,
            "reference": canonical_json(row.sample.reference.as_json()),
        }

    def request(self, index: int) -> Request:
        """Render a row as scoring does; what was rendered lately is kept."""
        if index in self._requests:
            self._requests.move_to_end(index)
            return self._requests[index]
        request = render(self.rows[index].sample, self.template, self.read, self.takes)
        self._requests[index] = request
        self._bytes += _picture_bytes(request)
        while self._bytes > PICTURE_BYTES and len(self._requests) > 1:
            _, dropped = self._requests.popitem(last=False)
            self._bytes -= _picture_bytes(dropped)
        return request


def check_layout(rows: Sequence[Row], prompts: int, name: str) -> None:
    """Raise WrongUse unless every step has `prompts` rows of one stage and one modality class.

    The trainer drops a last batch that is not full, and fails on one that mixes rows with and
    without pictures; curation pads and interleaves so that neither happens.
    """
    if not rows:
        raise WrongUse(f"{name} has no training rows")
    for start in range(0, len(rows), prompts):
        batch = rows[start : start + prompts]
        classes = {(row.stage, bool(row.sample.media)) for row in batch}
        if len(batch) < prompts or len(classes) > 1:
            raise WrongUse(
                f"{name} is not laid out for prompts_per_step = {prompts}: the step at position "
                f"{batch[0].position} would be short, or mix stages or pictures with text; use "
                "a divisor of the plan's prompts_per_step, or curate again with this one"
            )


def check_media(
    rows: Sequence[Row], template: PromptTemplate, takes: frozenset[MediaKind], name: str
) -> None:
    """Raise WrongUse when the policy cannot be shown a medium of these rows."""
    shown = {"image", *(("audio",) if template.audio == "log-mel" else ())} & (
        {"image", "audio"} if "image" in takes else set()
    )
    for row in rows:
        unseen = {medium.kind for medium in row.sample.media} - shown
        if unseen:
            raise WrongUse(
                f"{name}, position {row.position}: this policy cannot be trained on "
                f"{' and '.join(sorted(unseen))} as template {template.name!r} shows it"
            )


def _picture_bytes(request: Request) -> int:
    return sum(picture.width * picture.height * 3 for picture in request.images)
