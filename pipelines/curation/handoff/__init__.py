"""The doctor for hand-offs: which rows a trainer would crash on, misread or never see, and why."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pipelines.curation.export import NOTE
from pipelines.curation.handoff import easyr1, ms_swift, trl, verl
from pipelines.curation.handoff.finding import Fault, Finding, Report, Severity, report
from pipelines.curation.handoff.prompts import fits
from pipelines.curation.handoff.raw import MISSING, RawRow, files_of, raw_rows
from pipelines.curation.handoff.trainer import Trainer, Whole, media_of
from pipelines.workspace import Progress, silent

TrainerName = Literal["trl", "verl", "easyr1", "ms-swift"]
TRAINERS: dict[str, Trainer] = {
    module.TRAINER.name: module.TRAINER for module in (trl, verl, easyr1, ms_swift)
}
_MEASURED = re.compile(
    r"(?:^|[^a-z])(?:val|valid|validation|test|eval|dev)(?:$|[^a-z])", re.IGNORECASE
)
"""Files that are measured on, whose last batch may be short."""

__all__ = ["TRAINERS", "Finding", "Report", "Severity", "TrainerName", "check"]


def check(
    path: Path,
    trainer: TrainerName,
    *,
    prompts_per_step: int | None = None,
    processor: Any = None,
    max_prompt_length: int | None = None,
    progress: Progress = silent,
) -> Report:
    """Look at every row of a file, or of the files of a folder.

    Args:
        prompts_per_step: prompts of a generation batch; an export of ours says it itself.
        processor: a `transformers` processor or tokenizer that prompts are measured with.
        max_prompt_length: tokens that a prompt may have; the trainer's own default, else what
            the tokenizer takes.

    Raises WrongUse where there are no rows.
    """
    found = TRAINERS[trainer]
    folder = path if path.is_dir() else path.parent
    step = prompts_per_step or _said_by_export(folder)
    rules = list(found.rules)
    if processor is not None:
        rules.append(fits(processor, found, _longest(found, processor, max_prompt_length)))
    findings: list[Finding] = []
    count = 0
    for file in files_of(path):
        whole = _whole(file, found, folder)
        seen: list[_Seen] = []
        for row in raw_rows(file):
            if not isinstance(row, RawRow):
                findings.append(_finding(_Seen(file, row[0], "", False), row[1]))
                continue
            has_media = any(media_of(row, found).values())
            seen.append(_Seen(file, row.number, row.sample_id, has_media))
            faults = (fault for rule in rules for fault in rule(row, whole))
            findings += [_finding(seen[-1], fault) for fault in faults]
            count += 1
            progress("checking rows", count, None)
        findings += [_finding(row, fault) for row, fault in _of_batches(seen, found, step)]
    return report(trainer, str(path), count, findings, found.notes)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What is remembered of a row that was looked at."""

    path: Path
    number: int
    sample_id: str
    has_media: bool


def _whole(file: Path, trainer: Trainer, folder: Path) -> Whole:
    """Walk through a file once for what decides about each of its rows."""
    columns: set[str] = set()
    filled: set[str] = set()
    for row in raw_rows(file):
        if isinstance(row, RawRow):
            # A column that is null in every row is as good as none.
            columns |= {c for c in trainer.media if row.get(c) not in (MISSING, None)}
            filled |= {c for c, values in media_of(row, trainer).items() if values}
    rewarded = (folder / "reward.py").is_file()
    return Whole(frozenset(columns), frozenset(filled), folder, rewarded)


def _of_batches(
    rows: Sequence[_Seen], trainer: Trainer, step: int | None
) -> Iterator[tuple[_Seen, Fault]]:
    """Find what only shows in batches: classes that are mixed, and a tail that is never full."""
    if trainer.one_class:
        where = f"a batch of {step} prompts" if step else "this set"
        for batch in _batches(rows, step):
            shown = [row for row in batch if row.has_media]
            words = [row for row in batch if not row.has_media]
            for row in min(shown, words, key=len):
                has = "pictures" if row.has_media else "no pictures"
                yield row, Fault("mixed_rows", "crash", f"it has {has}, others of {where} have not")
    if step and not _MEASURED.search(rows[0].path.stem if rows else ""):
        for row in rows[len(rows) - len(rows) % step :]:
            detail = f"{len(rows)} rows are no whole number of {step}"
            yield row, Fault("last_chunk", "unseen", detail)


def _batches(rows: Sequence[_Seen], step: int | None) -> Iterator[Sequence[_Seen]]:
    size = step or max(1, len(rows))
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _longest(trainer: Trainer, processor: Any, asked: int | None) -> int:
    tokenizer = getattr(processor, "tokenizer", processor)
    return asked or trainer.longest_prompt or int(tokenizer.model_max_length)


def _said_by_export(folder: Path) -> int | None:
    """Give the prompts of a step that an export of ours was laid out for."""
    try:
        said = json.loads((folder / NOTE).read_text(encoding="utf-8"))
        return int(said["prompts_per_step"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _finding(row: _Seen, fault: Fault) -> Finding:
    return Finding(
        row.path.name, row.number, row.sample_id, fault.name, fault.severity, fault.detail
    )
