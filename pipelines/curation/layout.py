"""Order, stages and padding: where each chosen sample stands, so that no trainer drops a tail.

A training batch holds prompts of one class, with pictures or without. So every stage is padded
up with its own samples, class by class, to whole batches, and the batches of both classes are
interleaved (IDENTITY 23).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipelines.curation.ids import Rows
from pipelines.curation.kinds import Kind, Pool
from pipelines.curation.plans import Order

FORMS = {"bool": 0, "choice": 1}
"""Curr-ReFT's forms of answer; all others are open and come last."""
PADDING_FROM = 2**16
"""So many of the first samples of a class are drawn from for padding; all, where there are less."""

INTERLEAVING = (
    "within a stage, each class (media, text) keeps the order and is cut into batches; a batch's "
    "place is the middle of its share of its class, and batches follow each other by place, "
    "media first where two are equal"
)


@dataclass(frozen=True)
class Layout:
    """The rows of a set in their order, [R]; a row's position is its place here."""

    rows: Rows
    """Which sample of the pool stands there."""
    stages: NDArray[np.int32]
    padded: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def plain(self) -> Rows:
        """The samples of the set, each once."""
        return self.rows[~self.padded]


def lay_out(pool: Pool, chosen: Rows, order: Order, *, guess_correction: bool = True) -> Layout:
    """Order the chosen samples, cut them into stages, pad each stage and interleave its classes.

    `chosen` are rows of the pool in any order.
    """
    rows, stages, padded = [], [], []
    whole = _ordered(pool, chosen, order, guess_correction=guess_correction)
    for stage, members in enumerate(_stages(pool, whole, order)):
        own, filling = _interleaved(list(_padded_classes(pool, members, order)), order)
        rows.append(own)
        padded.append(filling)
        stages.append(np.full(len(own), stage, np.int32))
    if not rows:
        return Layout(chosen[:0], np.zeros(0, np.int32), np.zeros(0, np.bool_))
    return Layout(np.concatenate(rows), np.concatenate(stages), np.concatenate(padded))


def form_of(kind: Kind) -> int:
    """Give the place of an answer's form: yes/no, choice (of one option or several), open."""
    if kind.answer_kind == "set" and kind.guess_rate > 0:
        return FORMS["choice"]  # a set that can be guessed has options
    return FORMS.get(kind.answer_kind, 2)


def class_of(modality: str) -> str:
    """Give the batch class of a sample: a clip is shown as a picture or not at all."""
    return "text" if modality == "text" else "media"


def _ordered(pool: Pool, chosen: Rows, order: Order, *, guess_correction: bool) -> Rows:
    """Put the chosen into order; samples of one ease follow each other by sample_id."""
    if order.by == "random":
        return chosen[pool.ids.take(chosen).shuffled(order.seed, "order")]

    def key(kind: Kind) -> tuple[object, ...]:
        form = form_of(kind) if order.by == "answer-form" else 0
        return (form, -kind.rate(guess_correction=guess_correction))

    places = {key: place for place, key in enumerate(sorted({key(k) for k in pool.kinds}))}
    # Whole numbers of 16 bits are sorted in linear time.
    width = np.uint16 if len(places) < 2**16 else np.uint32
    by_id = np.sort(chosen)
    eases = pool.told(lambda kind: places[key(kind)], width, by_id)
    return by_id[np.argsort(eases, kind="stable")]


def _stages(pool: Pool, ordered: Rows, order: Order) -> list[Rows]:
    if order.stages is None and order.by == "answer-form":
        forms = pool.told(form_of, np.int8, ordered)
        return [ordered[forms == form] for form in np.unique(forms)]
    count = min(order.stages or 1, len(ordered))
    cuts = [len(ordered) * i // count for i in range(count + 1)] if count else [0]
    return [ordered[a:b] for a, b in pairwise(cuts)]


def _padded_classes(pool: Pool, members: Rows, order: Order) -> Iterator[tuple[Rows, int]]:
    """Give the samples of each class that a stage has, padded up, and how many are padding."""
    is_text = pool.told(lambda kind: class_of(kind.modality) == "text", np.bool_, members)
    for own in (members[~is_text], members[is_text]):
        padding = _padding(pool, own, order)
        if len(own):
            yield np.concatenate([own, padding]), len(padding)


def _padding(pool: Pool, own: Rows, order: Order) -> Rows:
    """Choose samples to fill the last batch, those that are not already in it first."""
    missing = -len(own) % order.prompts_per_step
    if not missing:
        return own[:0]
    asked = own[:PADDING_FROM]
    shuffled = pool.ids.take(asked).shuffled(order.seed, "padding")
    in_tail = shuffled >= len(own) - len(own) % order.prompts_per_step
    choice = np.concatenate([asked[shuffled[~in_tail]], asked[shuffled[in_tail]]])
    return choice[np.arange(missing) % len(choice)]


def _interleaved(classes: list[tuple[Rows, int]], order: Order) -> tuple[Rows, NDArray[np.bool_]]:
    """Merge the batches of the classes by the middle of each one's share of its class.

    The middle of batch i of n is (2 i + 1) / 2 n; two classes are compared by the cross product.
    """
    size = order.prompts_per_step
    counts = [len(rows) // size for rows, _ in classes]
    middles = [
        (2 * np.arange(count) + 1) * (counts[1 - number] if len(counts) > 1 else 1)
        for number, count in enumerate(counts)
    ]
    # Stable: media stand first where two are equal.
    batches = np.argsort(np.concatenate(middles), kind="stable")
    rows = np.concatenate([rows for rows, _ in classes])
    padded = np.concatenate([np.arange(len(rows)) >= len(rows) - n for rows, n in classes])
    return rows.reshape(-1, size)[batches].ravel(), padded.reshape(-1, size)[batches].ravel()
