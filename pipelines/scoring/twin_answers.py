"""What was answered to pairs, and the control: the same answers under labels of other samples."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeAlias

import pyarrow as pa

from pipelines.catalog.catalog import Catalog
from pipelines.policies.showing import View, as_shown
from pipelines.record.canonical import canonical_json
from pipelines.record.sample import Reference
from pipelines.scoring.ask import Asker
from pipelines.scoring.paired import Paired
from pipelines.scoring.twins import CLEAN, PURPOSE, Pair, Pairs

ANSWERS = """
select sample_id, view::varchar as view, reward_id, completion, correct
from graded
where sample_id in (from wanted_ids) and purpose = $purpose and correct is not null
    and policy_id = $policy and template_id = $template and sampling_id = $sampling
order by all
"""

Given: TypeAlias = Mapping[tuple[str, str], Sequence[tuple[str, bool]]]
"""(sample, view) -> the answers and whether each was right."""


@dataclass(frozen=True, slots=True)
class Rates:
    """How often a pair was answered right."""

    clean: float
    twin: float
    control: float | None
    """The twin's answers against another sample's; None where no other has this kind of answer."""


def answers_of(catalog: Catalog, asker: Asker, pairs: Pairs) -> Given:
    """Read the graded answers to pairs, by whichever job they were asked for."""
    samples = {pair.sample.sample_id: pair.sample for cell in pairs.cells.values() for pair in cell}
    graders = {sample_id: asker.reward_id(sample) for sample_id, sample in samples.items()}
    with catalog.read() as connection:
        wanted = pa.table({"sample_id": pa.array(list(samples), pa.string())})
        connection.register("wanted_ids", wanted)
        rows = connection.execute(ANSWERS, asker.asked | {"purpose": PURPOSE}).fetchall()
    given = defaultdict[tuple[str, str], list[tuple[str, bool]]](list)
    for sample_id, view, reward_id, completion, correct in rows:
        if reward_id == graders[sample_id]:
            given[sample_id, view].append((completion or "", correct))
    return given


def rates_of(asker: Asker, given: Given, pairs: Sequence[Pair]) -> list[Rates]:
    """Give the rates of the pairs of a cell that were answered on both sides."""
    asked = [
        pair for pair in pairs if _answers(given, pair, CLEAN) and _answers(given, pair, pair.view)
    ]
    controls = _controls(asker, given, asked)
    return [
        Rates(_rate(given, pair, CLEAN), _rate(given, pair, pair.view), control)
        for pair, control in zip(asked, controls, strict=True)
    ]


def lost(rates: Sequence[Rates]) -> Paired:
    """Sum up twins less clean."""
    return _paired([one.twin - one.clean for one in rates])


def control_lost(rates: Sequence[Rates]) -> Paired:
    """Sum up controls less clean."""
    return _paired([one.control - one.clean for one in rates if one.control is not None])


def _controls(asker: Asker, given: Given, pairs: Sequence[Pair]) -> list[float | None]:
    """Grade each twin's answers against the answer of the next pair with an answer of its kind."""
    donors = _donors(pairs)
    to_grade = [
        (reference, text)
        for pair, reference in zip(pairs, donors, strict=True)
        if reference is not None
        for text, _ in _answers(given, pair, pair.view)
    ]
    scores = iter(asker.grading.grade_all(to_grade))
    rates: list[float | None] = []
    for pair, reference in zip(pairs, donors, strict=True):
        count = 0 if reference is None else len(_answers(given, pair, pair.view))
        verdicts = [next(scores).correct for _ in range(count)]
        known = [verdict for verdict in verdicts if verdict is not None]
        rates.append(fmean(known) if known else None)
    return rates


def _donors(pairs: Sequence[Pair]) -> list[Reference | None]:
    """Give each pair the reference of the next one in a ring of those with its kind of answer."""
    shown = [as_shown(pair.sample, pair.view).reference for pair in pairs]
    rings = defaultdict[str, list[int]](list)
    for number, reference in enumerate(shown):
        rings[reference.answer.kind].append(number)
    donors: list[Reference | None] = [None] * len(pairs)
    for ring in rings.values():
        for number, following in _shifted(ring):
            donors[number] = shown[following]
    return donors


def _shifted(ring: Sequence[int]) -> Iterator[tuple[int, int]]:
    if len(ring) > 1:
        yield from zip(ring, [*ring[1:], ring[0]], strict=True)


def _answers(given: Given, pair: Pair, view: View) -> Sequence[tuple[str, bool]]:
    return given.get((pair.sample.sample_id, canonical_json(view)), ())


def _rate(given: Given, pair: Pair, view: View) -> float:
    return fmean(right for _, right in _answers(given, pair, view))


def _paired(differences: Sequence[float]) -> Paired:
    return Paired(len(differences), sum(differences), sum(d * d for d in differences))
