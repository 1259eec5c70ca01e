"""Read a corpus as a mapping says: each record found becomes one sample, or one for each item."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from pipelines.corpora.archives import Place
from pipelines.corpora.mapped.answers import answer_of, options_of
from pipelines.corpora.mapped.fields import filled, list_at, value_at
from pipelines.corpora.mapped.layouts import CLIPS, VIDEOS, Found, found
from pipelines.corpora.mapped.mapping import Mapping, MediaMap, SplitMap
from pipelines.corpora.mapped.media import media_in_order, media_of, prompt_of, with_one_mark
from pipelines.corpora.options import letter, listed
from pipelines.corpora.reading import BadRecord, Fields, Pending, attempt
from pipelines.corpora.registry import Corpus
from pipelines.record.media import MediaKind
from pipelines.record.sample import Sample, Split
from pipelines.record.steps import Record

SPLITS: dict[str, Split] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
MOST_QUESTIONS = 10_000
"""Questions that one record may hold."""


def mapped_corpus(name: str, mapping: Mapping, places: Sequence[Place] = ()) -> Corpus:
    """Make a corpus of a mapping; its folder may be joined by those of unpacked archives."""
    return Corpus(
        name,
        mapping.title or name,
        mapping.licence,
        mapping.homepage,
        partial(read_mapped, name, mapping, tuple(places)),
    )


def read_mapped(
    corpus: str, mapping: Mapping, places: tuple[Place, ...], root: Path
) -> Iterator[Pending]:
    """Give the records of a corpus. Raises CorpusError where there is none."""
    places = places or (Place(root),)
    for one in found(places, mapping):
        yield Pending(corpus, one.ref, samples_of, (corpus, mapping, places, one))


def samples_of(
    corpus: str, mapping: Mapping, places: tuple[Place, ...], one: Found
) -> list[Record]:
    """Make the samples of a record. Raises BadRecord where it cannot be read at all."""
    fields = one.fields(mapping)
    ref = one.ref
    if mapping.id:
        ref = f"{one.file}:{filled(mapping.id, fields)}"
    each = mapping.each or ("labels" if mapping.format == "labelme" else "")
    if not each:
        return [_attempt(corpus, mapping, places, ref, fields)]
    items = list_at(fields, each)
    if len(items) > MOST_QUESTIONS:
        raise BadRecord(f"bad_{each}", f"{len(items)} items in one record")
    return [
        _attempt(corpus, mapping, places, f"{ref}#{i}", _joined(fields, item, i))
        for i, item in enumerate(items)
    ]


def _joined(fields: Fields, item: Any, number: int) -> Fields:
    own = item if isinstance(item, dict) else {"item": item}
    return {**fields, **own, "_item": number}


def _attempt(
    corpus: str, mapping: Mapping, places: tuple[Place, ...], ref: str, fields: Fields
) -> Record:
    return attempt(corpus, ref, _sample, corpus, mapping, places, ref, fields)


def _sample(
    corpus: str, mapping: Mapping, places: tuple[Place, ...], ref: str, fields: Fields
) -> Sample:
    options = options_of(fields, mapping.answer)
    text = _text(mapping, fields, options)
    media = media_of(fields, _wanted(mapping, ref), places)
    text = with_one_mark(text) if mapping.joined and len(media) == 1 else text
    media = media_in_order(text, media)
    return Sample(
        prompt=prompt_of(text, filled(mapping.system, fields), media),
        answer=answer_of(fields, mapping.answer, options, media),
        media=media,
        task=filled(mapping.task, fields) or corpus,
        tags=tuple(tag for one in mapping.tags if (tag := filled(one, fields))),
        corpus=corpus,
        source_ref=ref,
        split=_split(mapping.split, fields, ref),
        licence=mapping.licence,
        steps=_steps(mapping, fields),
    )


def _text(mapping: Mapping, fields: Fields, options: Sequence[str]) -> str:
    """Fill the prompt; options from a field are listed where it says so, else below it."""
    if not mapping.answer.options:
        return filled(mapping.prompt, fields)
    if "{options}" in mapping.prompt:
        lines = "\n".join(f"({letter(i)}) {option}" for i, option in enumerate(options))
        return filled(mapping.prompt, {**fields, "options": lines})
    return listed(filled(mapping.prompt, fields), options)


def _wanted(mapping: Mapping, ref: str) -> tuple[MediaMap, ...]:
    """Say which media a record has: those that are mapped, or the one that it is."""
    if mapping.media or mapping.format not in ("media", "labelme"):
        return mapping.media
    if mapping.format == "labelme":
        return (MediaMap(field="image"),)
    kind: MediaKind = "image"
    if ref.lower().endswith(CLIPS):
        kind = "audio"
    elif ref.lower().endswith(VIDEOS):
        kind = "video"
    return (MediaMap(field="_medium", kind=kind),)


def _split(split: SplitMap, fields: Fields, ref: str) -> Split:
    if split.field:
        return _named_split(split, fields)
    if split.value:
        return split.value
    if split.test_share:
        group = filled(split.group, fields) if split.group else ref
        share = int(hashlib.sha256(group.encode()).hexdigest()[:8], 16) / 2**32
        return "test" if share < split.test_share else "train"
    return _usual_split(fields)


def _usual_split(fields: Fields) -> Split:
    """Tell a split as the hub does: by the list, folder or file that says its name."""
    path = PurePosixPath(str(fields["_file"]).casefold())
    file = re.split(r"[-_.]", path.name)[0]
    said = (str(fields.get("_key", "")).casefold(), file, *path.parts[:-1])
    return next((SPLITS[name] for name in said if name in SPLITS), "train")


def _named_split(split: SplitMap, fields: Fields) -> Split:
    said = str(value_at(fields, split.field) or "")
    if split.pattern:
        match = re.search(split.pattern, said)
        said = "" if match is None else match[1] if match.re.groups else match[0]
    found = split.names.get(said) or SPLITS.get(said.casefold()) or split.value
    if found is None:
        raise BadRecord("bad_split", f"{said[:80]!r} is no split that the mapping names")
    return found


def _steps(mapping: Mapping, fields: Fields) -> tuple[str, ...]:
    """Give the steps; a record without them is one without steps."""
    value = value_at(fields, mapping.steps) if mapping.steps else None
    if isinstance(value, str) and value.lstrip()[:1] != "[":
        value = value.splitlines()
    elif value is not None:
        value = list_at(fields, mapping.steps)
    lines = [line.strip() for line in value or () if isinstance(line, str)]
    return tuple(line for line in lines if any(map(str.isalnum, line)))
