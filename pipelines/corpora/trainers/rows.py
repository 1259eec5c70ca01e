"""From one row of a trainer's format to a sample."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.corpora.reading import BadRecord, Fields
from pipelines.corpora.trainers.gold import answer_of
from pipelines.corpora.trainers.media import kept, listed, media_of
from pipelines.corpora.trainers.prompts import Names, conversation, with_system
from pipelines.corpora.trainers.shapes import Shape, first
from pipelines.curation.formats.frames import Frame, Size
from pipelines.record import portable
from pipelines.record.media import BadMedia, Media, MediaKind, decode_image
from pipelines.record.sample import Answer, Message, Sample, Split

_SPLITS: Mapping[str, Split] = {
    "train": "train",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
    "dev": "validation",
    "test": "test",
    "eval": "test",
}
_SWIFT_FRAMES: Mapping[str, Frame] = {"real": "pixels", "norm1": "0-1", "norm1000": "0-1000"}
"""What ms-swift calls the frames of its `objects`."""

Beside = Mapping[MediaKind, Sequence[Media]]
"""Media that stand in columns beside the prompt."""


@dataclass(frozen=True, slots=True)
class RowReader:
    """Reads the rows of one file; it travels to where the samples are made."""

    corpus: str
    shape: Shape
    names: Names
    root: Path
    """Folder of the corpus; nothing outside it is opened."""
    path: Path
    boxes: Frame

    def sample(self, ref: str, fields: Fields) -> Sample:
        """Make the sample of a row. Raises BadRecord and BadMedia."""
        beside = {
            kind: [self._medium(value, kind) for value in listed(first(fields, columns))]
            for kind, columns in self.shape.media.items()
        }
        own = first(fields, self.shape.own)
        if isinstance(own, str):
            return self._exported(ref, own, fields, beside)
        return self._foreign(ref, fields, beside)

    def _foreign(self, ref: str, fields: Fields, beside: Beside) -> Sample:
        messages, media, answered = self._asked(fields, beside)
        question = "\n".join(
            b.text for m in messages if m.role == "user" for b in m.content if b.type == "text"
        )
        if not question.strip():
            raise BadRecord("no_prompt", "nothing is asked")
        if "\0" in question:
            raise BadRecord("bad_prompt", "a NUL character")
        gold = first(fields, self.shape.gold)
        return Sample(
            prompt=tuple(messages),
            answer=self._answer(answered if gold is None else gold, question, fields, media),
            media=media,
            task=_task(self.corpus, first(fields, self.shape.task)),
            corpus=self.corpus,
            source_ref=ref,
            split=_split(first(fields, self.shape.split), self.path),
        )

    def _exported(self, ref: str, text: str, fields: Fields, beside: Beside) -> Sample:
        """Make the sample that a row of ours carries, with the media that it was curated with."""
        try:
            said = portable.parse(text)
            wanted = [(str(one["id"]), one["kind"]) for one in said["media"]]
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise BadRecord("bad_curricle", f"{type(error).__name__}: {error}"[:200]) from error
        shown = self._asked(fields, beside)[1]
        by_id = {medium.media_id: medium for medium in shown}
        found = [by_id.get(name) or kept(name, kind, self.root) for name, kind in wanted]
        media = [medium for medium in found if medium is not None]
        if len(media) < len(wanted):
            media = list(shown)
        try:
            return portable.of_text(said, media, corpus=self.corpus, source_ref=ref)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BadRecord("bad_curricle", f"{type(error).__name__}: {error}"[:200]) from error

    def _asked(
        self, fields: Fields, beside: Beside
    ) -> tuple[list[Message], tuple[Media, ...], str | None]:
        """Give the messages, the media in the order of their places, and the last answer."""
        prompt = first(fields, self.shape.prompt)
        if isinstance(prompt, str) and isinstance(more := fields.get("input"), str):
            prompt = f"{prompt}\n{more}".strip()  # Alpaca's two halves of one question
        talk = conversation(prompt, self.names, {kind: len(own) for kind, own in beside.items()})
        messages = with_system(talk.messages, first(fields, self.shape.system))
        inline = [self._medium(value, kind) for kind, value in talk.inline]
        media = [medium for own in beside.values() for medium in own] + inline
        waiting = {kind: iter([m for m in media if m.kind == kind]) for kind in self.shape.media}
        return messages, tuple(_in_place(messages, waiting)), talk.answered

    def _medium(self, value: Any, kind: MediaKind) -> Media:
        return media_of(value, kind, self.root, self.path.parent)

    def _answer(self, gold: Any, question: str, fields: Fields, media: Sequence[Media]) -> Answer:
        options, objects = first(fields, self.shape.options), fields.get("objects")
        boxes = self.boxes
        if isinstance(objects, Mapping):
            boxes = _SWIFT_FRAMES.get(str(objects.get("bbox_type")), boxes)
        return answer_of(
            gold,
            question,
            options=[str(one) for one in options] if isinstance(options, list) else (),
            boxes=boxes,
            size=_size(media) if boxes != "pixels" else None,
        )


def _in_place(
    messages: Sequence[Message], waiting: Mapping[MediaKind, Iterator[Media]]
) -> Iterator[Media]:
    for message in messages:
        for block in message.content:
            if block.type != "text":
                medium = next(waiting[block.type], None)
                if medium is None:
                    raise BadMedia("missing_file", f"a place for {block.type} has none")
                yield medium


def _size(media: Sequence[Media]) -> Size | None:
    """Give width and height of the one picture that coordinates can lie in."""
    pictures = [medium for medium in media if medium.kind == "image"]
    if len(pictures) != 1:
        return None
    height, width = decode_image(pictures[0].read()).shape[:2]
    return width, height


def _task(corpus: str, named: Any) -> str:
    if not isinstance(named, str):
        return f"{corpus}/question"
    if "/" in named:
        return named
    return f"{corpus}/{re.sub(r'[^a-z0-9]+', '-', named.casefold()).strip('-') or 'question'}"


def _split(named: Any, path: Path) -> Split:
    """Tell the split by the row's own word, else by the file's name."""
    if isinstance(named, str) and named.casefold() in _SPLITS:
        return _SPLITS[named.casefold()]
    words = re.split(r"[^a-z]+", path.stem.casefold())
    return next((_SPLITS[word] for word in words if word in _SPLITS), "train")
