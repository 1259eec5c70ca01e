"""Take values out of a record by the names that a mapping uses, and fill templates with them."""

import re
from collections.abc import Mapping
from typing import Any

from pipelines.corpora.reading import BadRecord, Fields, parse_json, plain_text

_PLACE = re.compile(r"\{\{|\}\}|\{([^{}]+)\}")


def value_at(record: Fields, name: str) -> Any:
    """Give the value of a field such as `meta.answers.0`; None where there is none.

    A text that holds JSON is looked into, as CSV files have them.
    """
    if name in record:
        return record[name]
    value: Any = record
    for part in name.split("."):
        value = _inside(value, part)
        if value is None:
            return None
    return value


def filled(template: str, record: Fields) -> str:
    """Fill a template. Raises BadRecord for a field that is missing, or neither text nor number.

    `{name?}` may be missing; `{{` and `}}` are braces.
    """

    def put(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            return match[0][0]
        value = value_at(record, name.removesuffix("?"))
        if value is None or value == "":
            if name.endswith("?"):
                return ""
            raise BadRecord(f"no_{name}")
        return _written(name.removesuffix("?"), value)

    return _PLACE.sub(put, template)


def list_at(record: Fields, name: str) -> list[Any]:
    """Give a field that is a list, or JSON of one. Raises BadRecord for anything else."""
    value = value_at(record, name)
    if isinstance(value, str) and value.lstrip()[:1] == "[":
        value = parse_json(value.encode("utf-8", "surrogatepass"))
    if value is None:
        raise BadRecord(f"no_{name}")
    if not isinstance(value, list):
        raise BadRecord(f"bad_{name}", f"{type(value).__name__} where a list should be")
    return value


def _inside(value: Any, part: str) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        value = parse_json(value.encode("utf-8", "surrogatepass"))
    if isinstance(value, Mapping):
        return value.get(part)
    if isinstance(value, list) and part.lstrip("-").isdigit() and len(part) < 9:
        place = int(part)
        return value[place] if -len(value) <= place < len(value) else None
    return None


def _written(name: str, value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise BadRecord(f"bad_{name}", f"{type(value).__name__} where a text should be")
    if isinstance(value, str):
        if "\0" in value:
            raise BadRecord(f"bad_{name}", "a NUL character")
        return value
    return plain_text(value)
