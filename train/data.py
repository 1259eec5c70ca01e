"""From shards to what GRPOTrainer takes, in the order of their positions.

Prompts and pictures come from `pipelines.policies.render`, as in scoring, so that training asks
the very question that was scored. Rows are rendered when they are first asked for and kept while
memory allows; `datasets` sees nothing but row numbers.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from datasets import Dataset

from pipelines.policies.policy import Request
from pipelines.policies.render import ReadMedia, in_words, render, shows
from pipelines.policies.templates import PromptTemplate
from pipelines.record.canonical import canonical_json
from pipelines.record.media import MediaKind
from pipelines.record.sample import Sample
from pipelines.workspace import WrongUse
from train.curricula.order import Pool

PICTURE_BYTES = 512 * 2**20
"""Rendered pictures kept in memory at most."""


@dataclass(frozen=True, slots=True)
class Row:
    """One place in the curated order."""

    position: int
    stage: int
    sample: Sample
    padded: bool = False
    """Curation repeated it here to fill a batch."""
    pass_rate: float | None = None
    """As it was when the dataset froze."""

    @property
    def lane(self) -> int:
        """Rows of one batch are all with media (0) or all without (1): a trainer fails on a mix."""
        return 0 if self.sample.media else 1


def pool_of(rows: Sequence[Row]) -> Pool:
    """What a source of order may know of the rows."""
    return Pool(
        sample_ids=tuple(row.sample.sample_id for row in rows),
        positions=tuple(row.position for row in rows),
        stages=tuple(row.stage for row in rows),
        lanes=tuple(row.lane for row in rows),
        padded=tuple(row.padded for row in rows),
        pass_rates=tuple(row.pass_rate for row in rows),
        guess_rates=tuple(row.sample.answer.guess_rate for row in rows),
        categories=tuple(row.sample.task for row in rows),
    )


class CuratedRows:
    """The training rows of a dataset version, as one policy sees them."""

    def __init__(
        self,
        rows: Sequence[Row],
        read: ReadMedia,
        template: PromptTemplate,
        takes: frozenset[MediaKind],
        of_task: Mapping[str, PromptTemplate] | None = None,
    ) -> None:
        self.rows = rows
        self.read = read
        self.template = template
        self.takes = takes
        self.of_task = of_task or {}
        """Templates of tasks that are asked otherwise."""
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

    def template_of(self, sample: Sample) -> PromptTemplate:
        """How a sample is put to the policy."""
        return self.of_task.get(sample.task, self.template)

    def row(self, index: int) -> dict[str, Any]:
        """One row: the prompt in block form, its pictures, and what the reward needs."""
        row, request = self.rows[index], self.request(index)
        return {
            "prompt": list(request.messages) if self.takes else in_words(request.messages),
            # An empty list, not None: only a batch of empty lists passes as one without pictures.
            "images": list(request.images),
            "row": index,
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
        sample = self.rows[index].sample
        request = render(sample, self.template_of(sample), self.read, self.takes)
        self._requests[index] = request
        self._bytes += _picture_bytes(request)
        while self._bytes > PICTURE_BYTES and len(self._requests) > 1:
            _, dropped = self._requests.popitem(last=False)
            self._bytes -= _picture_bytes(dropped)
        return request


def check_media(
    rows: Sequence[Row], template: PromptTemplate, takes: frozenset[MediaKind], name: str
) -> None:
    """Raise WrongUse when the policy cannot be shown a medium of these rows."""
    for row in rows:
        kinds = {medium.kind for medium in row.sample.media}
        unseen = {kind for kind in kinds if not shows(kind, template, takes)}
        if unseen:
            raise WrongUse(
                f"{name}, position {row.position}: this policy cannot be trained on "
                f"{' and '.join(sorted(unseen))} as template {template.name!r} shows it"
            )


def _picture_bytes(request: Request) -> int:
    return sum(picture.width * picture.height * 3 for picture in request.images)
