"""EasyR1: `RLHFDataset` of verl/utils/dataset.py, where the column decides the branch."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from pipelines.curation.handoff.finding import Fault
from pipelines.curation.handoff.raw import MISSING, RawRow
from pipelines.curation.handoff.rules import shared, tag_counts, wrapped_gold
from pipelines.curation.handoff.trainer import Trainer, Whole, media_of


def _prompt(row: RawRow, _whole: Whole) -> Iterator[Fault]:
    problem = row.get("problem")
    if problem is MISSING or not problem:
        yield Fault("no_prompt", "crash", "no problem")
    elif not isinstance(problem, str):
        yield Fault("bad_prompt", "crash", f"problem is {type(problem).__name__}; write a text")


def _places(row: RawRow, whole: Whole) -> Iterator[Fault]:
    # Where the column is there, every tag is split off, in rows without pictures too.
    yield from tag_counts(
        row, TRAINER, more_is="crash" if whole.columns else "misread", fewer_is="crash"
    )


def _entries(row: RawRow, whole: Whole) -> Iterator[Fault]:
    if whole.columns >= {"images", "videos"}:
        yield Fault("mixed_media", "crash", "images and videos in one set; the videos are not read")
    forms = set()
    for column, values in media_of(row, TRAINER).items():
        for value in values:
            forms.add(type(value).__name__)
            if isinstance(value, Mapping) and not value.get("bytes"):
                yield Fault(
                    "null_bytes", "crash", f"{column} has an entry without bytes; write its path"
                )
    if len(forms) > 1:
        yield Fault("mixed_forms", "crash", "bytes and paths in one row; the first decides for all")


_BARE = Trainer(
    name="easyr1",
    prompt="problem",
    media={"images": "image", "videos": "video"},
    gold="answer",
    rules=(),
    relative_paths=True,
    longest_prompt=512,
    notes=(
        "data.shuffle is true by default and destroys the order; set data.shuffle=false",
        "a last batch that is not full is dropped; let data.rollout_batch_size divide the rows",
    ),
)
TRAINER = replace(_BARE, rules=(_prompt, _places, _entries, wrapped_gold("answer"), *shared(_BARE)))
