"""EasyR1: `problem`, `answer` and `images` or `videos`, in Parquet."""

from typing import Any

import pyarrow as pa

from pipelines.curation.formats.columns import EXTRAS
from pipelines.curation.formats.row import Layout, Row
from pipelines.curation.formats.shape import Format
from pipelines.curation.formats.wording import as_problem
from pipelines.workspace import WrongUse


def _record(row: Row, layout: Layout) -> dict[str, Any]:
    if layout.kinds > {"video"}:
        raise WrongUse(
            "EasyR1 takes a set with pictures or one with videos, not both; export them apart"
        )
    return {
        "problem": as_problem(row.prompt, row.where),
        "answer": row.gold,
        # The column alone decides how a prompt is read, so rows without pictures have an empty one.
        **{
            f"{kind}s": [_entry(row, m.path, m.data, layout) for m in row.media]
            for kind in layout.kinds
        },
        **row.extras(),
    }


def _entry(row: Row, path: str, data: bytes, layout: Layout) -> Any:
    if layout.form == "paths":
        return path
    if "video" in layout.kinds:
        raise WrongUse(f"{row.where}: EasyR1 takes videos from files only; use --media paths")
    return {"bytes": data}


def _schema(layout: Layout) -> pa.Schema:
    entry = pa.string() if layout.form == "paths" else pa.struct([("bytes", pa.binary())])
    return pa.schema(
        [
            ("problem", pa.string()),
            ("answer", pa.string()),
            *((f"{kind}s", pa.list_(entry)) for kind in sorted(layout.kinds)),
            *EXTRAS,
        ]
    )


FORMAT = Format(
    name="easyr1",
    title="EasyR1",
    ending="parquet",
    kinds=frozenset({"image", "video"}),
    forms=("paths", "embedded"),
    record=_record,
    schema=_schema,
    use="""\
```
data.train_files={at}/{train} data.image_dir={at} data.shuffle=false data.rollout_batch_size={prompts}
data.prompt_key=problem data.answer_key=answer data.image_key=images data.video_key=videos
```

`data.shuffle=false` keeps the order. `{prompts}` is the number of prompts of a step that this set
was laid out for; EasyR1 drops a last batch that is not full. Its reward function is given `answer`
as `ground_truth`: a number, a letter, LaTeX, yes or no, or coordinates as JSON.""",
)
