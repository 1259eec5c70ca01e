"""ms-swift: `messages` with tags, lists of media, gold in `solution`, in JSON Lines.

Gold is called `solution`, which stays a column; `answer` would be taken for the assistant's turn
where a row has no messages.
"""

import base64
from typing import Any

from pipelines.curation.formats.row import Layout, Row, Shown
from pipelines.curation.formats.shape import Files, Format
from pipelines.curation.formats.wording import as_turns

_REWARD = '''"""Grades answers to this set as Curricle does; needs the package `curricle`."""

import json

from swift.plugin import ORM, orms

from pipelines.record.sample import Reference
from pipelines.rewards import grade


class Curricle(ORM):
    """Give each completion the value that its sample's own reward has for it."""

    def __call__(self, completions, reference, **_columns):
        pairs = zip(completions, reference, strict=True)
        return [grade(Reference.from_json(json.loads(gold)), text).value for text, gold in pairs]


orms["curricle"] = Curricle
'''


def _record(row: Row, layout: Layout) -> dict[str, Any]:
    return {
        "messages": as_turns(row.prompt),
        **{f"{k}s": [_entry(m, layout) for m in row.of_kind(k)] for k in sorted(layout.kinds)},
        "solution": row.gold,
        **row.extras(),
    }


def _entry(medium: Shown, layout: Layout) -> str:
    return layout.absolute(medium) if layout.form == "paths" else data_url(medium)


def data_url(medium: Shown) -> str:
    """Write a medium as a data URL."""
    return f"data:{medium.mime};base64,{base64.b64encode(medium.data).decode()}"


def _beside(_files: Files, _layout: Layout) -> dict[str, str]:
    return {"reward.py": _REWARD}


FORMAT = Format(
    name="ms-swift",
    title="ms-swift",
    ending="jsonl",
    kinds=frozenset({"image", "audio", "video"}),
    forms=("paths", "embedded"),
    record=_record,
    beside=_beside,
    use="""\
```
swift rlhf --rlhf_type grpo --dataset {at}/{train} --dataset_shuffle false \\
  --train_dataloader_shuffle false --split_dataset_ratio 0 \\
  --external_plugins {at}/reward.py --reward_funcs curricle
```

Both shuffles are on by default and destroy the order, and `--split_dataset_ratio` may take rows
out of it. Let the prompts of a step be {prompts}, which this set was laid out for. Gold stays in the
column `solution`, which ms-swift's own reward functions read.""",
)
