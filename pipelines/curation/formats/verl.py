"""verl: Parquet with `data_source`, `prompt`, `ability`, `reward_model` and `extra_info`."""

from typing import Any

import pyarrow as pa

from pipelines.curation.formats.columns import EXTRAS, TURNS
from pipelines.curation.formats.row import Layout, Row
from pipelines.curation.formats.shape import Files, Format
from pipelines.curation.formats.wording import as_turns
from pipelines.record.media import MediaKind
from pipelines.workspace import WrongUse

COLUMNS: dict[MediaKind, str] = {"image": "images", "video": "videos", "audio": "audios"}
_REWARD = '''"""Grades answers to this set as Curricle does; needs the package `curricle`."""

import json

from pipelines.record.sample import Reference
from pipelines.rewards import grade


def compute_score(data_source, solution_str, ground_truth, extra_info=None, **_settings):
    """Give the value that the sample's own reward has for an answer."""
    reference = Reference.from_json(json.loads(extra_info["reference"]))
    return float(grade(reference, solution_str).value or 0.0)
'''


def _record(row: Row, layout: Layout) -> dict[str, Any]:
    media = {
        COLUMNS[kind]: [
            _entry(row, kind, m.data, layout.absolute(m), layout) for m in row.of_kind(kind)
        ]
        for kind in sorted(layout.kinds)
    }
    told = {
        "split": row.split,
        "index": row.position,
        "question": row.sample.question,
        "answer": row.gold,
    }
    return {
        "data_source": row.sample.corpus,
        "prompt": as_turns(row.prompt),
        **media,
        "ability": row.sample.task,
        "reward_model": {"style": "rule", "ground_truth": row.gold},
        "extra_info": {**told, **row.extras()},
    }


def _entry(row: Row, kind: MediaKind, data: bytes, path: str, layout: Layout) -> dict[str, Any]:
    # No null `bytes` beside a path: verl would open it.
    if layout.form == "paths":
        return {kind: path}
    if kind != "image":
        raise WrongUse(f"{row.where}: verl takes {kind} from files only; use --media paths")
    return {"bytes": data}


def _schema(layout: Layout) -> pa.Schema:
    def entries(kind: MediaKind) -> pa.DataType:
        field = (kind, pa.string()) if layout.form == "paths" else ("bytes", pa.binary())
        return pa.list_(pa.struct([field]))

    told = [("split", pa.string()), ("index", pa.int64())]
    told += [("question", pa.string()), ("answer", pa.string())]
    return pa.schema(
        [
            ("data_source", pa.string()),
            ("prompt", TURNS),
            *((COLUMNS[kind], entries(kind)) for kind in sorted(layout.kinds)),
            ("ability", pa.string()),
            ("reward_model", pa.struct([("style", pa.string()), ("ground_truth", pa.string())])),
            ("extra_info", pa.struct([*told, *EXTRAS])),
        ]
    )


def _beside(_files: Files, _layout: Layout) -> dict[str, str]:
    return {"reward.py": _REWARD}


FORMAT = Format(
    name="verl",
    title="verl",
    ending="parquet",
    kinds=frozenset({"image", "audio", "video"}),
    forms=("paths", "embedded"),
    record=_record,
    schema=_schema,
    beside=_beside,
    use="""\
```
data.train_files={at}/{train} data.shuffle=False data.train_batch_size={prompts}
custom_reward_function.path={at}/reward.py custom_reward_function.name=compute_score
```

`data.shuffle=False` keeps the order; the default shuffles. `{prompts}` is the number of prompts of
a step that this set was laid out for; verl drops a last batch that is not full. `reward.py` grades
every kind of answer; verl's own `default_compute_score` knows none of these data sources.""",
)
