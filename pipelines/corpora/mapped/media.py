"""The media of a mapped record, and their places in what is asked."""

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.corpora.archives import Place
from pipelines.corpora.mapped.fields import filled, value_at
from pipelines.corpora.mapped.mapping import MediaMap
from pipelines.corpora.reading import BadRecord, Fields, media_in, parse_json
from pipelines.record.media import BadMedia, Media, MediaKind
from pipelines.record.sample import Block, Message

LONGEST_PATH = 1000
"""Characters; a longer text is base64."""

_DATA_URL = re.compile(r"data:[\w.+-]+/[\w.+-]+(?:;[\w=.+-]+)*;base64,", re.IGNORECASE)
_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]+://")
_BASE64 = re.compile(r"[A-Za-z0-9+/_\s-]{64,}={0,2}\s*")
_MARK = re.compile(r"\s*<(image|audio|video)([0-9]{0,3})>\s*")


def media_of(
    record: Fields, wanted: Sequence[MediaMap], places: Sequence[Place]
) -> tuple[Media, ...]:
    """Give the media of a record. Raises BadRecord and BadMedia for what is missing or foreign."""
    return tuple(medium for one in wanted for medium in _each(record, one, places))


def prompt_of(text: str, system: str, media: Sequence[Media]) -> tuple[Message, ...]:
    """Put the media where the text says, or before it; `media_in_order` gives them so.

    Raises BadRecord where the text has places for more or fewer than there are.
    """
    blocks = tuple(_blocks(text, media))
    user = Message("user", blocks)
    return (Message("system", (Block("text", system),)), user) if system else (user,)


def with_one_mark(text: str) -> str:
    """Leave only the first mark of a text: what the others stood for is in the same picture."""
    first = _MARK.search(text)
    if first is None:
        return text
    after = _MARK.sub("\n", text[first.end() :])
    return f"{text[: first.start()]}\n<{first[1]}>\n{after}".strip()


def media_in_order(text: str, media: Sequence[Media]) -> tuple[Media, ...]:
    """Order the media as the marks of a text name them.

    Raises BadRecord where marks and media do not match one to one.
    """
    marks = [(match[1], match[2]) for match in _MARK.finditer(text)]
    if not marks:
        return tuple(media)
    by_kind: dict[str, list[Media]] = {}
    for medium in media:
        by_kind.setdefault(medium.kind, []).append(medium)
    ordered, met = list[Media](), dict[str, int]()
    for kind, number in marks:
        met[kind] = met.get(kind, 0) + 1
        place = int(number) if number else met[kind]
        if not 0 < place <= len(by_kind.get(kind, [])):
            raise BadRecord("unmatched_places", f"no {kind} for <{kind}{number}>")
        ordered.append(by_kind[kind][place - 1])
    if len(ordered) != len(media) or len({id(medium) for medium in ordered}) != len(media):
        raise BadRecord("unmatched_places", f"{len(marks)} marks for {len(media)} media")
    return tuple(ordered)


def _blocks(text: str, media: Sequence[Media]) -> Iterator[Block]:
    marks = list(_MARK.finditer(text))
    if not marks:
        yield from (Block(medium.kind) for medium in media)
        yield Block("text", text)
        return
    end = 0
    for mark in marks:
        if before := text[end : mark.start()]:
            yield Block("text", before)
        kind: MediaKind = mark[1]  # type: ignore[assignment]
        yield Block(kind)
        end = mark.end()
    if after := text[end:]:
        yield Block("text", after)


def _each(record: Fields, wanted: MediaMap, places: Sequence[Place]) -> Iterator[Media]:
    value = value_at(record, wanted.field)
    if isinstance(value, str) and value.startswith("[") and wanted.form == "auto":
        value = parse_json(value.encode("utf-8", "surrogatepass"))
    given = value if isinstance(value, list) else [value]
    given = [one for one in given if one not in (None, "")]
    if not given and not wanted.optional:
        raise BadRecord(f"no_{wanted.field}", f"no {wanted.kind}")
    base = filled(wanted.base, record) if wanted.base else ""
    for one in given:
        yield _medium(one, wanted, base, places)


def _medium(value: Any, wanted: MediaMap, base: str, places: Sequence[Place]) -> Media:
    if isinstance(value, Mapping):
        value = value.get("file") or value.get("bytes") or value.get("path") or value.get("url")
    if isinstance(value, Path):
        return Media.of_file(value, wanted.kind)
    if isinstance(value, bytes):
        return Media.of_bytes(value, wanted.kind)
    if not isinstance(value, str):
        raise BadMedia("bad_reference", f"{type(value).__name__} where a {wanted.kind} should be")
    if match := _DATA_URL.match(value):
        return Media.of_bytes(_decoded(value[match.end() :]), wanted.kind)
    if wanted.form == "base64" or (wanted.form == "auto" and _is_base64(value)):
        return Media.of_bytes(_decoded(value), wanted.kind)
    if _URL.match(value):
        raise BadMedia("remote_media", f"{value[:80]!r} is not fetched; put it in the corpus")
    return _file(value, wanted.kind, base, places)


def _file(name: str, kind: MediaKind, base: str, places: Sequence[Place]) -> Media:
    """Look for a file in each folder of the corpus, under the base."""
    if len(name) > LONGEST_PATH:
        raise BadMedia("missing_file", "a path of over 1000 characters")
    inner = f"{base}/{name}" if base else name
    first: BadMedia | None = None
    for place in places:
        folder = place.folder if place.folder.is_dir() else place.folder.parent
        # `images.zip` may hold what the corpus calls `images/1.png`, with that folder or without.
        stem = f"{place.prefix.partition('.')[0]}/" if place.prefix else ""
        names = (inner, inner.removeprefix(place.prefix), inner.removeprefix(stem))
        for candidate in dict.fromkeys(names):
            try:
                return media_in(folder, candidate, kind)
            except BadMedia as error:
                first = first or error
    raise first or BadMedia("missing_file", name[:200])


def _is_base64(value: str) -> bool:
    return len(value) > LONGEST_PATH or (
        len(value) >= 64 and "." not in value and _BASE64.fullmatch(value) is not None
    )


def _decoded(text: str) -> bytes:
    plain = "".join(text.split()).replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadMedia("bad_base64", str(error)) from error
