"""`curricle clean`: find duplicates, conflicting answers and benchmark leaks, and show them."""

from typing import TYPE_CHECKING, Any, Literal

from flows.cli.common import DEFAULTS, Common, bars, printable
from flows.cli.common import show as answer_with

if TYPE_CHECKING:
    from collections.abc import Iterator


def clean(
    *,
    show: Literal["duplicates", "conflicts", "leaks", "same-picture"] | None = None,
    limit: int = 20,
    common: Common = DEFAULTS,
) -> None:
    """Find samples that repeat, contradict or leak others; nothing is deleted.

    Every ingest ends with this. Where nothing changed since, the last findings are given.

    Parameters
    ----------
    show
        Print pairs: `duplicates`, `conflicts` (same question, another answer), `leaks` (what
        repeats a benchmark), or `same-picture` (a benchmark's picture, another question).
    limit
        Pairs to print.
    """
    workspace = common.open().require()
    from flows.stages import clean
    from flows.summaries import cleaned

    with bars() as progress:
        summary = clean(workspace, progress)
    if show is None:
        answer_with(summary, common, cleaned(summary))
        return
    from pipelines.clean.findings import findings

    found = findings(workspace.catalog, show, limit)
    answer_with(found, common, _pairs(found) if found else [f"no {show} were found"])


def _pairs(found: list[dict[str, Any]]) -> "Iterator[str]":
    for pair in found:
        yield f"{pair['how']} ({', '.join(_measured(pair))})"
        yield _line(pair["record"], pair["question"], pair["answer"])
        yield _line(pair["other_record"], pair["other_question"], pair["other_answer"])


def _measured(pair: dict[str, Any]) -> "Iterator[str]":
    yield f"text {pair['text_similarity'] or 0:.2f}"
    if pair["picture_distance"] is not None:
        from pipelines.record.phash import VERSIONS

        yield f"picture {pair['picture_distance']} bits, {VERSIONS[pair['picture_version']]}"
        yield f"pixels differ by {pair['pixel_difference']:.1f} of 255"


def _line(record: str | None, question: str, answer: str) -> str:
    return printable("  " + " ".join(f"{record}: {question} -> {answer}".split()))[:300]
