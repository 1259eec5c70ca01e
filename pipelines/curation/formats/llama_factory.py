"""LLaMA-Factory's sharegpt: conversations that end with the right answer, for a supervised start.

It has no GRPO; the rows teach what a right answer looks like before another trainer goes on.
"""

import json
from typing import Any

from pipelines.curation.formats.row import Layout, Row
from pipelines.curation.formats.shape import Files, Format
from pipelines.curation.formats.wording import escaped, tagged

_FROM = {"user": "human", "assistant": "gpt"}


def _record(row: Row, layout: Layout) -> dict[str, Any]:
    # Nobody is to be taught an empty thought.
    said = worked_out(row) if row.sample.steps else f"<answer>{row.gold}</answer>"
    turns = [
        {"from": _FROM[m.role], "value": tagged(m.content)} for m in row.prompt if m.role in _FROM
    ]
    return {
        "conversations": [*turns, {"from": "gpt", "value": said}],
        "system": "\n\n".join(tagged(m.content) for m in row.prompt if m.role == "system"),
        **{f"{k}s": [m.path for m in row.of_kind(k)] for k in sorted(layout.kinds)},
        **row.extras(),
    }


def worked_out(row: Row) -> str:
    """Write the steps that a corpus brought, where it did, and the answer."""
    steps = escaped("\n".join(row.sample.steps))
    return f"<think>{steps}</think>\n\n<answer>{row.gold}</answer>"


def _beside(files: Files, layout: Layout) -> dict[str, str]:
    media = {f"{kind}s": f"{kind}s" for kind in sorted(layout.kinds)}
    entries = {
        f"curricle_{split}": {
            "file_name": name,
            "formatting": "sharegpt",
            "columns": {"messages": "conversations", "system": "system", **media},
            "tags": {
                "role_tag": "from",
                "content_tag": "value",
                "user_tag": "human",
                "assistant_tag": "gpt",
            },
        }
        for split, name in files.items()
    }
    return {"dataset_info.json": json.dumps(entries, indent=2) + "\n"}


FORMAT = Format(
    name="llama-factory",
    title="LLaMA-Factory (sharegpt)",
    ending="jsonl",
    kinds=frozenset({"image", "audio", "video"}),
    forms=("paths",),
    record=_record,
    beside=_beside,
    use="""\
```
dataset_dir: {at}
media_dir: {at}
dataset: curricle_{split}
disable_shuffling: true
```

`disable_shuffling: true` keeps the order; the default shuffles. LLaMA-Factory has no GRPO: these
rows end with the right answer, for a supervised start.""",
)
