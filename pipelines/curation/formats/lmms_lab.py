"""The layout of lmms-lab/multimodal-open-r1-8k-verified: one `image`, `problem`, `solution`."""

from typing import Any

import pyarrow as pa

from pipelines.curation.formats.columns import EXTRAS, PICTURE
from pipelines.curation.formats.llama_factory import worked_out
from pipelines.curation.formats.row import Layout, Row
from pipelines.curation.formats.shape import Format
from pipelines.curation.formats.trl import with_pictures
from pipelines.curation.formats.wording import as_problem
from pipelines.record.sample import Message


def _record(row: Row, layout: Layout) -> dict[str, Any]:
    # The picture is a column; its place in the text is always the front.
    words = [Message(m.role, tuple(b for b in m.content if b.type == "text")) for m in row.prompt]
    image = None
    if row.media:
        (shown,) = row.media
        embedded = layout.form == "embedded"
        image = {
            "bytes": shown.data if embedded else None,
            "path": None if embedded else layout.absolute(shown),
        }
    return {
        **({"image": image} if layout.kinds else {}),
        "problem": as_problem(words, row.where),
        "solution": worked_out(row),
        "original_question": row.sample.question,
        "original_answer": row.gold,
        **row.extras(),
    }


def _schema(layout: Layout) -> pa.Schema:
    texts = ("problem", "solution", "original_question", "original_answer")
    picture = [("image", PICTURE)] if layout.kinds else []
    schema = pa.schema([*picture, *((name, pa.string()) for name in texts), *EXTRAS])
    return with_pictures(schema, "image") if layout.kinds else schema


FORMAT = Format(
    name="lmms-lab",
    title="lmms-lab multimodal-open-r1 (TRL's grpo_vlm.py, verl's openr1mm.py)",
    ending="parquet",
    kinds=frozenset({"image"}),
    forms=("embedded", "paths"),
    most_media=1,
    record=_record,
    schema=_schema,
    use="""\
```python
from datasets import load_dataset

rows = load_dataset("parquet", data_files="{train}", split="train")
```

What trains on it shuffles unless it is told otherwise: `shuffle_dataset=False` for TRL,
`data.shuffle=False` for verl. Let the prompts of a step be {prompts}, which this set was laid out
for.""",
)
