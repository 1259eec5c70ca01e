"""Canonical JSON and the hashes over it: two things are the same when these bytes are the same."""

import hashlib
import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
"""What may enter a hash. Floats may not: an integer or a decimal string says the same exactly."""


_ENCODER = json.JSONEncoder(
    sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False
)


def canonical_json(value: Json) -> str:
    """Write one JSON text for one value: sorted keys, NFC text, no spaces, no floats."""
    return _ENCODER.encode(_normal(value))


def content_hash(value: Json) -> str:
    """Name a value by its content: 32 hexadecimal digits (128 bits of SHA-256)."""
    return text_hash(canonical_json(value))


def text_hash(canonical: str) -> str:
    """Name a value by the canonical JSON that it was written in already."""
    return hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def exact(value: Any) -> Json:
    """Give plain data in a form that can be hashed: each fraction as the text that reads back."""
    if isinstance(value, dict):
        return {key: exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [exact(item) for item in value]
    plain: Json = repr(value) if isinstance(value, float) else value
    return plain


def _normal(value: Json) -> Json:
    if isinstance(value, str):
        return value if value.isascii() else unicodedata.normalize("NFC", value)
    if value is None or isinstance(value, (bool, int)):
        return value
    # The plain types first: of the abstract ones it takes long to tell.
    if isinstance(value, (dict, Mapping)):
        return {unicodedata.normalize("NFC", key): _normal(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, Sequence)):
        return [_normal(item) for item in value]
    raise TypeError(f"{type(value).__name__} {value!r} has no canonical form; write it as a string")
