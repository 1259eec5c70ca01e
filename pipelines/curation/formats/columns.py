"""Arrow types of columns that several trainers share."""

import pyarrow as pa

from pipelines.record import portable

EXTRAS: list[tuple[str, pa.DataType]] = [
    ("sample_id", pa.string()),
    ("position", pa.int64()),
    ("stage", pa.int64()),
    ("padded", pa.bool_()),
    ("pass_rate", pa.float64()),
    ("task", pa.string()),
    ("answer_kind", pa.string()),
    ("reference", pa.string()),
    (portable.COLUMN, pa.string()),
]
"""As `Row.extras` gives them."""

PICTURE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
"""As `datasets` stores an `Image`."""
TURNS = pa.list_(pa.struct([("role", pa.string()), ("content", pa.string())]))
