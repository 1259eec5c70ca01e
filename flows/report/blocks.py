"""The data that the page's script reads: an index of all samples, details and media in blocks.

The index is read when the page opens; a block is read when one of its samples is looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from flows.report.album import Album, wanted_of
from flows.report.browsing import LONGEST_QUESTION, MOST_VISITS, Known
from flows.report.embed import block, packed
from flows.report.reasons import Reasons
from flows.report.words import answer_in_words, history_in_words, shortened

BLOCK = 100
"""Samples whose details stand in one block."""
MEDIA_BLOCK = 40
IN_INDEX = 280
"""Letters of a question that the index holds: what is searched and what a row shows."""
ANSWER_IN_INDEX = 80
NOT_HELD, NO_MEDIA = -1, -2


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """The data of the page, ready to stand in it."""

    html: Markup
    answers_left_out: int
    """Answers that the budget for texts had no room for."""


class _Words:
    """Numbers words as they come."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def number(self, word: str) -> int:
        return self.numbers.setdefault(word, len(self.numbers))


def data_blocks(
    samples: Sequence[Known],
    album: Album,
    reasons: Reasons,
    runs: Mapping[str, str],
    text_budget: int,
) -> Blocks:
    """Write the blocks; answers are left out once they have used up the budget for texts.

    `runs` gives the ids of the page's runs and what people call them.
    """
    rows = {known.sample_id: number for number, known in enumerate(samples)}
    names = list(runs)
    details, spent, left_out = [], 0, 0
    for known in samples:
        cost = sum(len(one["completion"] or "") + len(one["reason"]) for one in known.answers)
        fits = spent + cost <= text_budget
        spent += cost if fits else 0
        left_out += 0 if fits else len(known.answers)
        details.append(_details(known, album, rows, names, with_answers=fits))
    parts = [block("index", _index(samples, album, reasons, list(runs.values())))]
    parts += [packed(*part) for part in _cut("details", details, BLOCK)]
    held = [one.as_json() for one in album.held]
    parts += [block(*part) for part in _cut("media", held, MEDIA_BLOCK)]
    return Blocks(html=Markup("").join(parts), answers_left_out=left_out)


def _cut(name: str, values: Sequence[Any], size: int) -> list[tuple[str, Sequence[Any]]]:
    starts = range(0, len(values), size)
    return [(f"{name}-{start // size}", values[start : start + size]) for start in starts]


def _index(
    samples: Sequence[Known], album: Album, reasons: Reasons, runs: Sequence[str]
) -> dict[str, Any]:
    tasks, corpora, kinds, whys = _Words(), _Words(), _Words(), _Words()
    found = [known.row for known in samples]
    columns = {
        "id": [known.sample_id[:12] for known in samples],
        "question": [shortened(row["question"] or "", IN_INDEX) for row in found],
        "answer": [shortened(answer_in_words(row["answer"]), ANSWER_IN_INDEX) for row in found],
        "task": [tasks.number(row["task"]) for row in found],
        "corpus": [corpora.number(row["corpus"]) for row in found],
        "kind": [kinds.number(row["modality"]) for row in found],
        "why": [whys.number(reasons.of(known)) for known in samples],
        "tries": [row.get("n") or 0 for row in found],
        "right": [row.get("successes") or 0 for row in found],
        "low": [_mille(row.get("ci_low")) for row in found],
        "high": [_mille(row.get("ci_high")) for row in found],
        "stage": [_or_none(row["stage"]) for row in found],
        "position": [_or_none(row["position"]) for row in found],
        "view": [int(row["history"] is not None) for row in found],
        "picture": [_first_picture(known, album) for known in samples],
    }
    words = {"task": tasks, "corpus": corpora, "kind": kinds, "why": whys}
    return {
        "columns": columns,
        "words": {name: list(one.numbers) for name, one in words.items()},
        "runs": list(runs),
        "block": BLOCK,
        "mediaBlock": MEDIA_BLOCK,
    }


def _mille(share: float | None) -> int:
    return -1 if share is None else round(1000 * share)


def _or_none(value: int | None) -> int:
    return -1 if value is None else value


def _first_picture(known: Known, album: Album) -> int:
    return next((album.number(one) for one in wanted_of(known)), NO_MEDIA)


def _details(
    known: Known, album: Album, rows: Mapping[str, int], runs: Sequence[str], *, with_answers: bool
) -> dict[str, Any]:
    """Give all that is said of a sample; what is empty is left out."""
    row = known.row
    answer, question = answer_in_words(row["answer"]), row["question"] or ""
    told = {
        "id": known.sample_id,
        "question": question if len(question) > IN_INDEX else "",
        "questionCut": len(question) >= LONGEST_QUESTION,
        "answer": answer if len(answer) > ANSWER_IN_INDEX else "",
        "split": row.get("split") or "",
        "licence": row["licence"],
        "guess": round(row["guess_rate"] or 0, 3),
        "policy": row.get("policy") or "",
        "then": [round(row["rate_then"], 3), row["tries_then"]] if row["tries_then"] else [],
        "blind": None if row.get("blind_rate") is None else round(row["blind_rate"], 3),
        "recipe": row["recipe"],
        "history": history_in_words(row["history"]),
        "parent": _link(row["parent_id"], rows) if row["parent_id"] else [],
        "views": [_link(view, rows) for view in known.views],
        "sources": [[s[key] for key in _SOURCE] for s in known.sources],
        "media": _media(known, album),
        "asked": [[t[key] for key in _TALLY] for t in known.tallies],
        "answers": [_answer(one) for one in known.answers] if with_answers else [],
        "leftOut": 0 if with_answers else len(known.answers),
        "sets": [[p["label"], p["positions"], p["stage"]] for p in known.places],
        "visits": _visits(known, runs),
        "search": _search(known),
    }
    return {key: value for key, value in told.items() if value not in ("", [], None, False, 0)}


_SOURCE = ("corpus", "source_ref", "split", "revision", "ended")
_TALLY = ("purpose", "policy", "answers", "correct")


def _link(sample_id: str, rows: Mapping[str, int]) -> list[Any]:
    """Name another sample by its id and its row on the page, -1 where it is not there."""
    return [sample_id[:12], rows.get(sample_id, -1)]


def _media(known: Known, album: Album) -> list[list[Any]]:
    numbers = [album.number(one) for one in wanted_of(known)]
    return [
        [number, medium["kind"] or "", _size(medium)]
        for number, medium in zip(numbers, known.media, strict=True)
    ]


def _size(medium: Mapping[str, Any]) -> str:
    seconds = f"{medium['seconds']:.1f} s" if medium["seconds"] else ""
    pixels = f"{medium['width']} × {medium['height']} pixels" if medium["width"] else ""
    return ", ".join(filter(None, (pixels, seconds)))


def _answer(one: Mapping[str, Any]) -> list[Any]:
    verdict = -1 if one["correct"] is None else int(one["correct"])
    finish = "cut at the longest length" if one["finish_reason"] == "length" else ""
    return [
        one["purpose"],
        one["policy"],
        _or_none(one["step"]),
        verdict,
        one["completion"] or "",
        int(bool(one["cut"])),
        one["reason"],
        one["tokens"] or 0,
        finish,
    ]


def _visits(known: Known, runs: Sequence[str]) -> list[list[Any]]:
    """Give, by run, the steps that asked it with right and graded answers, and how many more."""
    return [
        [
            runs.index(run_id),
            [[v["step"], v["correct"] or 0, v["graded"] or 0] for v in visits[:MOST_VISITS]],
            max(0, len(visits) - MOST_VISITS),
        ]
        for run_id, visits in known.visits.items()
        if run_id in runs
    ]


def _search(known: Known) -> list[Any]:
    if known.search is None:
        return []
    found = known.search
    return [int(found["solved"]), found["first_success"] or 0, found["iterations"] or 0]
