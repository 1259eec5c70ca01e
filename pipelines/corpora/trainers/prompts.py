"""Prompts as trainers write them: texts with tags, messages, blocks, all as blocks in place."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from pipelines.corpora.reading import BadRecord
from pipelines.record.media import MediaKind
from pipelines.record.sample import Block, Message, Role

KINDS: tuple[MediaKind, ...] = get_args(MediaKind)
_TAGS = re.compile(r"<(image|video|audio)>")


@dataclass(frozen=True, slots=True)
class Names:
    """What a file calls the parts of its messages."""

    roles: tuple[str, ...] = ("role", "from")
    contents: tuple[str, ...] = ("content", "value")
    said_by: Mapping[str, Role] = field(
        default_factory=lambda: {
            "system": "system",
            "user": "user",
            "human": "user",
            "assistant": "assistant",
            "gpt": "assistant",
            "bot": "assistant",
        }
    )


@dataclass(slots=True)
class Conversation:
    """A prompt with the media that stood inside it, and what was answered at its end."""

    messages: list[Message]
    inline: list[tuple[MediaKind, Any]]
    answered: str | None = None


def conversation(prompt: Any, names: Names, media: Mapping[MediaKind, int]) -> Conversation:
    """Read a prompt, a text or a list of messages, with so many media of each kind beside it.

    A tag in the text is a place only where there are media of its kind; media without any tag
    stand before the first question. Raises BadRecord for counts that do not agree.
    """
    turns = list(_turns(prompt, names))
    answered = None
    if turns and turns[-1][0] == "assistant":
        answered = _words(turns.pop()[1])
    inline: list[tuple[MediaKind, Any]] = []
    messages = [Message(role, tuple(_blocks(said, media, inline))) for role, said in turns]
    if not any(m.role == "user" for m in messages):
        raise BadRecord("no_prompt", "nothing is asked")
    return Conversation(_placed(messages, media, inline), inline, answered)


def with_system(messages: Sequence[Message], system: Any) -> list[Message]:
    """Put a system prompt that stands beside the messages in front of them."""
    if not isinstance(system, str) or not system.strip() or messages[0].role == "system":
        return list(messages)
    return [Message("system", (Block("text", system),)), *messages]


def _turns(prompt: Any, names: Names) -> Iterator[tuple[Role, Any]]:
    if isinstance(prompt, str):
        yield "user", prompt
        return
    if not isinstance(prompt, list) or not prompt:
        raise BadRecord("no_prompt", f"{type(prompt).__name__} where messages should be")
    for message in prompt:
        if not isinstance(message, Mapping):
            raise BadRecord("bad_prompt", f"{message!r} is no message"[:200])
        if "human" in message:
            yield "user", message["human"]
            if message.get("assistant"):
                yield "assistant", message["assistant"]
            continue
        role = next((message[key] for key in names.roles if key in message), None)
        if not isinstance(role, str) or role not in names.said_by:
            raise BadRecord("bad_prompt", f"nobody knows who {role!r} is"[:200])
        said = next((message[key] for key in names.contents if key in message), None)
        if said is None:
            raise BadRecord("bad_prompt", f"{role} says nothing")
        yield names.said_by[role], said


def _blocks(
    said: Any, media: Mapping[MediaKind, int], inline: list[tuple[MediaKind, Any]]
) -> Iterator[Block]:
    """Cut one message into blocks; media that stand inside it are added to `inline`."""
    for part in said if isinstance(said, list) else [said]:
        if isinstance(part, str):
            yield from _split(part, media)
        elif isinstance(part, Mapping) and part.get("type") == "text":
            # In block form a tag in the words is words.
            yield Block("text", str(part.get("text") or ""))
        elif isinstance(part, Mapping):
            yield Block(_inside(part, inline))
        else:
            raise BadRecord("bad_prompt", f"{part!r} is no block"[:200])


def _inside(part: Mapping[str, Any], inline: list[tuple[MediaKind, Any]]) -> MediaKind:
    kind = str(part.get("type")).removesuffix("_url").removeprefix("input_")
    for known in KINDS:
        if kind == known:
            value = part.get(known) or part.get(f"{known}_url") or part.get("path")
            if value is not None:
                inline.append((known, value))
            return known
    raise BadRecord("bad_prompt", f"a block of type {part.get('type')!r}")


def _split(text: str, media: Mapping[MediaKind, int]) -> Iterator[Block]:
    """Cut a text at the tags of media that the row has."""
    end = 0
    for tag in _TAGS.finditer(text):
        kind = next(kind for kind in KINDS if kind == tag[1])
        if not media.get(kind):
            continue
        if text[end : tag.start()]:
            yield Block("text", text[end : tag.start()])
        yield Block(kind)
        end = tag.end()
    if text[end:]:
        yield Block("text", text[end:])


def _placed(
    messages: list[Message],
    media: Mapping[MediaKind, int],
    inline: Sequence[tuple[MediaKind, Any]],
) -> list[Message]:
    """Hold places against media; where a kind has no place at all, it goes to the front."""
    places = Counter(b.type for m in messages for b in m.content if b.type != "text")
    inside = Counter(kind for kind, _ in inline)
    first = next(i for i, m in enumerate(messages) if m.role == "user")
    for kind in KINDS:
        given = media.get(kind, 0) + inside[kind]
        if places[kind] == given:
            continue
        if places[kind]:
            raise BadRecord("placeholder_count", f"{places[kind]} places for {given} {kind}s")
        front = (Block(kind),) * given
        messages[first] = Message("user", (*front, *messages[first].content))
    return messages


def _words(said: Any) -> str:
    parts = said if isinstance(said, list) else [said]
    texts = (str(p.get("text") or "") if isinstance(p, Mapping) else str(p) for p in parts)
    return "".join(texts)
