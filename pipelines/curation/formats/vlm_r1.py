"""VLM-R1: JSON Lines of `id`, `image` and `conversations`."""

from typing import Any

from pipelines.curation.formats.row import Layout, Row
from pipelines.curation.formats.shape import Format
from pipelines.curation.formats.wording import as_problem


def _record(row: Row, _layout: Layout) -> dict[str, Any]:
    paths = [medium.path for medium in row.media]
    # A lone picture stands by itself; a row without one must not have the key.
    image = {"image": paths[0] if len(paths) == 1 else paths} if paths else {}
    return {
        "id": row.position,
        **image,
        "conversations": [
            {"from": "human", "value": as_problem(row.prompt, row.where)},
            {"from": "gpt", "value": row.gold},
        ],
        **row.extras(),
    }


FORMAT = Format(
    name="vlm-r1",
    title="VLM-R1",
    ending="jsonl",
    kinds=frozenset({"image"}),
    forms=("paths",),
    record=_record,
    use="""\
```
--data_file_paths {at}/{train} --image_folders {at} --shuffle_dataset False
```

`--shuffle_dataset False` keeps the order; its trainer follows TRL, whose default shuffles. Let the
prompts of a step be {prompts}, which this set was laid out for.""",
)
