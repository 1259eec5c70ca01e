"""The columns of others' rollouts: what each may hold, and which rows hold something else."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.record.steps import Reject

STAGE = "import"

Values: TypeAlias = Any
"""A list of Python values, as JSON gives them, or an Arrow array."""


@dataclass(frozen=True, slots=True)
class Column:
    """What a column holds, and how a value that may hold it is looked at."""

    type: pa.DataType
    natural: frozenset[type]
    """Python types that need no looking at."""
    read: Callable[[Any], object]
    """Takes a value that is there. Raises ValueError where it is none of the column's."""
    sound: Callable[[pa.Array], bool] = lambda _: True
    """Whether values of the right type are all in range."""


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise ValueError("not a text")
    value.encode()  # a lone surrogate is no text either
    return value


def _flag(value: Any) -> bool:
    if isinstance(value, (bool, int, float)) and value in (0, 1):
        return bool(value)
    raise ValueError("neither true nor false")


def _count(value: Any) -> int:
    whole = _whole(value)
    if not 0 <= whole < 2**31:
        raise ValueError("not a count")
    return whole


def _whole(value: Any) -> int:
    number = _real(value)
    if number != int(number) or not -(2**63) <= int(value) < 2**63:
        raise ValueError("not a whole number")
    return int(value)


def _real(value: Any) -> float:
    number = isinstance(value, (int, float, Decimal)) and not isinstance(value, bool)
    if not number or not math.isfinite(value):
        raise ValueError("not a finite number")
    return float(value)


def _never_negative(values: pa.Array) -> bool:
    least = pc.min(values).as_py()
    return least is None or least >= 0


def _all_finite(values: pa.Array) -> bool:
    return pc.all(pc.is_finite(values)).as_py() is not False


_NONE = type(None)
_INTEGERS = {
    *(pa.int8(), pa.int16(), pa.int32(), pa.int64()),
    *(pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()),
}
TEXT = Column(pa.string(), frozenset({str, _NONE}), _text)
FLAG = Column(pa.bool_(), frozenset({bool, _NONE}), _flag)
COUNT = Column(pa.int32(), frozenset({int, _NONE}), _count, _never_negative)
WHOLE = Column(pa.int64(), frozenset({int, _NONE}), _whole)
REAL = Column(pa.float64(), frozenset({int, float, _NONE}), _real, _all_finite)

COLUMNS: dict[str, Column] = {
    "sample_id": TEXT,
    "corpus": TEXT,
    "source_ref": TEXT,
    "policy": TEXT,
    "revision": TEXT,
    "template": TEXT,
    "completion": TEXT,
    "correct": FLAG,
    "reward": REAL,
    "reward_name": TEXT,
    "reason": TEXT,
    "run": TEXT,
    "rollout_id": TEXT,
    "k": COUNT,
    "seed": WHOLE,
    "temperature": REAL,
    "top_p": REAL,
    "max_tokens": COUNT,
    "finish_reason": TEXT,
    "prompt_tokens": COUNT,
    "completion_tokens": COUNT,
    "purpose": TEXT,
}
"""What a file may say of a rollout; docs/evidence.md explains each."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """Some rows of a file: those that can be read, typed, and those that cannot."""

    rows: pa.Table
    """`ref`, where the row stands in the file, and every column of COLUMNS."""
    rejects: list[Reject]


def typed(refs: list[str], given: Mapping[str, Values]) -> Incoming:
    """Type every column; a row with a value that has no place in its column is rejected."""
    problems: dict[int, Reject] = {}
    columns = {"ref": pa.array(refs, pa.string())}
    for name, column in COLUMNS.items():
        if name in given:
            columns[name] = _typed(name, column, given[name], refs, problems)
        else:
            columns[name] = pa.nulls(len(refs), column.type)
    rows = pa.table(columns)
    if problems:
        rows = rows.filter(pa.array([i not in problems for i in range(len(refs))]))
    return Incoming(rows, list(problems.values()))


def _typed(
    name: str, column: Column, values: Values, refs: Sequence[str], problems: dict[int, Reject]
) -> pa.Array:
    """Convert a column at once; where that cannot be, look at its values one by one."""
    if (whole := _at_once(column, values)) is not None:
        return whole
    read: list[object] = []
    for i, value in enumerate(_one_by_one(values)):
        try:
            read.append(None if value is None else column.read(value))
        except (ValueError, OverflowError) as error:
            read.append(None)
            detail = f"{error}: {value!r}"[:200].encode("utf-8", "replace").decode()
            problems.setdefault(i, Reject(STAGE, refs[i], STAGE, f"bad_{name}", detail))
    return pa.array(read, column.type)


def _at_once(column: Column, values: Values) -> pa.Array | None:
    try:
        if isinstance(values, list):
            natural = set(map(type, values)) <= column.natural
            whole = pa.array(values, column.type) if natural else None
        else:
            whole = values.cast(column.type) if _same_family(values.type, column.type) else None
            if whole is not None:
                whole.validate(full=True)  # text of a Parquet file need not be UTF-8
    except (pa.ArrowException, ValueError, OverflowError):
        return None
    return whole if whole is not None and column.sound(whole) else None


def _same_family(given: pa.DataType, wanted: pa.DataType) -> bool:
    given = given.value_type if pa.types.is_dictionary(given) else given
    wide = {pa.string(): {pa.large_string()}, pa.float64(): {pa.float32(), *_INTEGERS}}
    narrow = _INTEGERS if pa.types.is_integer(wanted) else wide.get(wanted, set())
    return given in {wanted, pa.null(), *narrow}


def _one_by_one(values: Values) -> list[Any]:
    if isinstance(values, list):
        return values
    if pa.types.is_string(values.type) or pa.types.is_large_string(values.type):
        # As bytes: one row that is no UTF-8 must not hide the others.
        wide = pa.types.is_large_string(values.type)
        values = values.cast(pa.large_binary() if wide else pa.binary())
    listed: list[Any] = values.to_pylist()
    return listed
