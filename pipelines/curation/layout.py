"""Order, stages and padding: where each chosen sample stands, so that no trainer drops a tail.

A training batch holds prompts of one class, with pictures or without. So every stage is padded
up with its own samples, class by class, to whole batches, and the batches of both classes are
interleaved (IDENTITY 23).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

from pipelines.curation.band import draw
from pipelines.curation.candidates import Candidate
from pipelines.curation.plans import Order

FORMS = {"bool": 0, "choice": 1}
"""Curr-ReFT's forms of answer; all others are open and come last."""

INTERLEAVING = (
    "within a stage, each class (media, text) keeps the order and is cut into batches; a batch's "
    "place is the middle of its share of its class, and batches follow each other by place, "
    "media first where two are equal"
)


@dataclass(frozen=True, slots=True)
class Place:
    """One row of a dataset; its position is its place in the list."""

    sample_id: str
    stage: int
    padded: bool
    tries: int
    successes: float
    """A whole number, but where training answers were discounted for their age."""

    @property
    def pass_rate(self) -> float:
        """Share of right answers when the dataset froze."""
        return self.successes / self.tries


def lay_out(
    chosen: Sequence[Candidate], order: Order, *, guess_correction: bool = True
) -> list[Place]:
    """Order the chosen samples, cut them into stages, pad each stage and interleave its classes."""

    def key(candidate: Candidate) -> tuple[object, ...]:
        ease = -candidate.rate(guess_correction=guess_correction)
        if order.by == "random":
            return (draw(order.seed, "order", candidate.sample_id), candidate.sample_id)
        form = form_of(candidate) if order.by == "answer-form" else 0
        return (form, ease, candidate.sample_id)

    places: list[Place] = []
    for stage, members in enumerate(_stages(sorted(chosen, key=key), order)):
        rows = _interleaved(_padded_classes(members, order))
        places += [Place(c.sample_id, stage, padded, c.tries, c.successes) for c, padded in rows]
    return places


def form_of(candidate: Candidate) -> int:
    """Give the place of an answer's form: yes/no, choice (of one option or several), open."""
    if candidate.answer_kind == "set" and candidate.guess_rate > 0:
        return FORMS["choice"]  # a set that can be guessed has options
    return FORMS.get(candidate.answer_kind, 2)


def class_of(modality: str) -> str:
    """Give the batch class of a sample: a clip is shown as a picture or not at all."""
    return "text" if modality == "text" else "media"


Row = tuple[Candidate, bool]
"""A candidate, and whether it stands there as padding."""


def _stages(ordered: Sequence[Candidate], order: Order) -> list[list[Candidate]]:
    if order.stages is None and order.by == "answer-form":
        forms = sorted({form_of(candidate) for candidate in ordered})
        return [[c for c in ordered if form_of(c) == form] for form in forms]
    count = min(order.stages or 1, len(ordered))
    cuts = [len(ordered) * i // count for i in range(count + 1)] if count else [0]
    return [list(ordered[a:b]) for a, b in pairwise(cuts)]


def _padded_classes(members: Sequence[Candidate], order: Order) -> Iterator[list[list[Row]]]:
    """Give the batches of each class that a stage has, the last one padded up."""
    for name in ("media", "text"):
        own = [candidate for candidate in members if class_of(candidate.modality) == name]
        rows = [(c, False) for c in own] + [(c, True) for c in _padding(own, order)]
        size = order.prompts_per_step
        if rows:
            yield [rows[i : i + size] for i in range(0, len(rows), size)]


def _padding(own: Sequence[Candidate], order: Order) -> list[Candidate]:
    """Choose samples to fill the last batch, those that are not already in it first."""
    missing = -len(own) % order.prompts_per_step
    tail = {c.sample_id for c in own[len(own) - len(own) % order.prompts_per_step :]}

    def key(candidate: Candidate) -> tuple[bool, str, str]:
        sample_id = candidate.sample_id
        return (sample_id in tail, draw(order.seed, "padding", sample_id), sample_id)

    choice = sorted(own, key=key)
    return [choice[i % len(choice)] for i in range(missing)]


def _interleaved(classes: Iterator[list[list[Row]]]) -> list[Row]:
    """Merge the batches of the classes by the middle of each one's share of its class."""
    batches = [
        (Fraction(2 * i + 1, 2 * len(own)), number, batch)
        for number, own in enumerate(classes)
        for i, batch in enumerate(own)
    ]
    return [row for _, _, batch in sorted(batches, key=lambda b: b[:2]) for row in batch]
