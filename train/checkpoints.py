"""Checkpoints of a run: where each stood, and which was the last whole one."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from pipelines.policies.whole import facts_of, write_mark
from pipelines.record.canonical import Json

FINAL = "final"


@dataclass(frozen=True, slots=True)
class Mark:
    """What a checkpoint says about where it came from."""

    run_id: str
    step: int
    """Updates made."""
    manifest_hash: str
    """The rows that it was trained on."""
    order: Mapping[str, Json]
    """State of the sampler: what was consumed, and the state of the source of order."""
    watch: Mapping[str, Json] = field(default_factory=dict)
    """State of the detectors: what they have seen in their windows."""
    switched: Sequence[str] = ()
    """What signals have turned on or off."""
    stopped: str | None = None
    """The signature that ended the run before its time, if one did."""


def mark(folder: Path, facts: Mark) -> None:
    """Declare a checkpoint complete."""
    write_mark(folder, asdict(facts))


def read_mark(folder: Path) -> Mark | None:
    """Read a checkpoint's mark; None when it is not complete."""
    facts = facts_of(folder)
    try:
        return None if facts is None else Mark(**facts)
    except TypeError:
        return None


def newest_complete(run: Path) -> Path | None:
    """The last whole checkpoint of a run; halves are removed."""
    newest: tuple[int, Path] | None = None
    for folder in run.glob("checkpoint-*"):
        found = read_mark(folder)
        if found is None:
            shutil.rmtree(folder)
        elif newest is None or found.step > newest[0]:
            newest = found.step, folder
    return newest[1] if newest else None


def write_final(run: Path, save: Callable[[Path], None], facts: Mark) -> None:
    """Write the trained policy as an ordinary folder that appears whole."""
    partial, final = run / f".tmp-{FINAL}", run / FINAL
    shutil.rmtree(partial, ignore_errors=True)
    save(partial)
    # A pickle with the settings and paths of this machine, of no use to whoever loads the policy.
    (partial / "training_args.bin").unlink(missing_ok=True)
    mark(partial, facts)
    partial.replace(final)


def drop_checkpoints(run: Path) -> None:
    """Remove what only served to go on with the run."""
    for folder in run.glob("checkpoint-*"):
        shutil.rmtree(folder)
    (run / "README.md").unlink(missing_ok=True)  # a model card that TRL writes about nothing
