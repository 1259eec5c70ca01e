"""TRL's GRPOTrainer: conversations in blocks, pictures in `images`, gold in `solution`."""

from typing import Any

import pyarrow as pa

from pipelines.curation.formats.columns import EXTRAS, PICTURE, TURNS
from pipelines.curation.formats.row import Layout, Row
from pipelines.curation.formats.shape import Files, Format
from pipelines.curation.formats.wording import as_blocks, as_turns

_BLOCKS = pa.list_(
    pa.struct(
        [
            ("role", pa.string()),
            ("content", pa.list_(pa.struct([("type", pa.string()), ("text", pa.string())]))),
        ]
    )
)
_REWARD = '''"""Grades answers to this set as Curricle does; needs the package `curricle`."""

import json

from pipelines.record.sample import Reference
from pipelines.rewards import grade


def reward(completions, reference, **_columns):
    """Give each completion the value that its sample's own reward has for it."""
    texts = [c if isinstance(c, str) else c[0]["content"] for c in completions]
    pairs = zip(texts, reference, strict=True)
    return [grade(Reference.from_json(json.loads(gold)), text).value for text, gold in pairs]
'''


def solution(row: Row) -> str:
    """Write gold so that math_verify, which grades `accuracy_reward`, can parse what it can grade."""
    if row.answer.kind in ("number", "math"):
        return row.gold if "$" in row.gold or "\\boxed" in row.gold else f"${row.gold}$"
    return f"\\boxed{{{row.gold}}}" if row.answer.kind == "choice" else row.gold


def _record(row: Row, layout: Layout) -> dict[str, Any]:
    gold = {"solution": solution(row), **row.extras()}
    if not layout.kinds:
        return {"prompt": as_turns(row.prompt), **gold}
    messages = [{"role": m.role, "content": as_blocks(m)} for m in row.prompt]
    images = [
        {"bytes": m.data, "path": None}
        if layout.form == "embedded"
        else {"bytes": None, "path": layout.absolute(m)}
        for m in row.media
    ]
    return {"prompt": messages, "images": images, **gold}


def _schema(layout: Layout) -> pa.Schema:
    if not layout.kinds:
        return pa.schema([("prompt", TURNS), ("solution", pa.string()), *EXTRAS])
    schema = pa.schema(
        [("prompt", _BLOCKS), ("images", pa.list_(PICTURE)), ("solution", pa.string()), *EXTRAS]
    )
    return with_pictures(schema, "images")


def with_pictures(schema: pa.Schema, column: str) -> pa.Schema:
    """Say in the way of `datasets` that a column holds pictures, so that it decodes them."""
    from datasets import Features, Image, List

    features = Features.from_arrow_schema(schema)
    features[column] = List(Image()) if pa.types.is_list(schema.field(column).type) else Image()
    return schema.with_metadata(features.arrow_schema.metadata)


def _beside(_files: Files, _layout: Layout) -> dict[str, str]:
    return {"reward.py": _REWARD}


FORMAT = Format(
    name="trl",
    title="TRL GRPOTrainer",
    ending="parquet",
    kinds=frozenset({"image"}),
    forms=("paths", "embedded"),
    record=_record,
    schema=_schema,
    beside=_beside,
    use="""\
```python
from datasets import load_dataset
from trl import GRPOConfig, GRPOTrainer
from reward import reward

rows = load_dataset("parquet", data_files="{train}", split="train")
args = GRPOConfig(shuffle_dataset=False, ...)
GRPOTrainer(model, reward_funcs=reward, args=args, train_dataset=rows).train()
```

`shuffle_dataset=False` keeps the order; the default, `True`, destroys it. Let
`generation_batch_size / num_generations` be {prompts}, the prompts of a step that this set was laid
out for, or a divisor of it: a batch with and without pictures fails, and the last incomplete one is
dropped. `reward.py` grades every kind of answer; TRL's `accuracy_reward` grades numbers, LaTeX and
letters, and skips the rest.""",
)
