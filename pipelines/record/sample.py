"""One question about some media, with a checkable answer: the noun that everything passes on.

A sample is frozen and named by its content, so reading a corpus twice, renamed or re-ordered,
adds nothing, and a changed label is another sample of the same question: a visible conflict.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Literal, Self

from pipelines.record.canonical import Json, canonical_json, text_hash
from pipelines.record.media import Media, MediaKind

Role = Literal["system", "user", "assistant"]
Split = Literal["train", "validation", "test"]
AnswerKind = Literal[
    "number",
    "choice",
    "text",
    "math",
    "bool",
    "box",
    "boxes",
    "point",
    "transcript",
    "set",
    "json",
]


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a message: some text, or the place where the next medium goes."""

    type: Literal["text"] | MediaKind
    text: str = ""

    def as_json(self) -> dict[str, Json]:
        """Give the chat-message form that processors take."""
        return {"type": "text", "text": self.text} if self.type == "text" else {"type": self.type}


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the prompt."""

    role: Role
    content: tuple[Block, ...]

    def as_json(self) -> dict[str, Json]:
        """Give the chat-message form that processors take."""
        return {"role": self.role, "content": [block.as_json() for block in self.content]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The checkable answer. `value` is a decimal string, a letter, a text, true/false or JSON,
    as `kind` says; boxes and points are in pixels of the original picture."""

    kind: AnswerKind
    value: Json
    tolerance: str = ""
    """Largest accepted error of a number, as a decimal string: absolute, or with % a share of it;
    of a point, the distance in pixels. Empty means exact."""
    unit: str = ""
    options: tuple[str, ...] = ()
    """The texts behind the letters A, B, C, … of a choice."""
    variants: tuple[str, ...] = ()
    """Other texts that count as the same answer."""

    @classmethod
    def number(cls, value: str | int, *, tolerance: str = "", unit: str = "") -> Self:
        """Make a number; `1,000.0` and `1000` are the same. Raises ValueError when it is none."""
        return cls(kind="number", value=plain_decimal(value), tolerance=tolerance, unit=unit)

    @classmethod
    def choice(cls, letter: str, options: Sequence[str]) -> Self:
        """Make a choice among options. Raises ValueError when the letter names none of them."""
        if len(letter) != 1 or not 0 <= ord(letter) - ord("A") < len(options):
            raise ValueError(f"{letter!r} names none of {len(options)} options")
        return cls(kind="choice", value=letter, options=tuple(options))

    @classmethod
    def bool(cls, value: bool) -> Self:
        """Make a yes/no answer."""
        return cls(kind="bool", value=value)

    @classmethod
    def text(cls, value: str, variants: Sequence[str] = ()) -> Self:
        """Make a short text answer with the spellings that count as the same."""
        return cls(kind="text", value=value, variants=tuple(variants))

    @classmethod
    def json(cls, value: Json) -> Self:
        """Make a structured answer, such as the pair `[rows, columns]`."""
        return cls(kind="json", value=value)

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Self:
        """Read what `as_json` wrote."""
        lists = {key: tuple(data[key]) for key in ("options", "variants") if key in data}  # type: ignore[arg-type]
        return cls(**{**data, **lists})  # type: ignore[arg-type]

    def as_json(self) -> dict[str, Json]:
        """Give the canonical form that enters `sample_id`; empty fields are left out."""
        optional: dict[str, Json] = {
            "tolerance": self.tolerance,
            "unit": self.unit,
            "options": self.options,
            "variants": self.variants,
        }
        return {"kind": self.kind, "value": self.value} | {k: v for k, v in optional.items() if v}

    @property
    def guess_rate(self) -> float:
        """Share of blind guesses that are right: 1/2 for yes/no, 1/m for m options, else 0.

        Of several letters among m options, one of the 2^m - 1 sets that may be picked.
        """
        if self.kind == "bool":
            return 0.5
        if self.kind == "set" and self.options:
            return 1 / ((1 << len(self.options)) - 1)
        return 1 / len(self.options) if self.kind == "choice" else 0.0


@dataclass(frozen=True, slots=True)
class Reference:
    """What a completion is graded against: all that a reward sees of a sample."""

    answer: Answer
    steps: tuple[str, ...] = ()
    """Reference key steps, in order, where the corpus has them."""

    @classmethod
    def from_json(cls, data: Mapping[str, Json]) -> Self:
        """Read what `as_json` wrote."""
        return cls(Answer.from_json(data["answer"]), tuple(data.get("steps", ())))  # type: ignore[arg-type]

    def as_json(self) -> dict[str, Json]:
        """Give the canonical form; no steps are left out."""
        steps: dict[str, Json] = {"steps": self.steps} if self.steps else {}
        return {"answer": self.answer.as_json()} | steps


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One question with its media and a checkable answer."""

    prompt: tuple[Message, ...]
    answer: Answer
    media: tuple[Media, ...] = ()
    task: str
    """What is asked, such as `digits/add`; reports and quotas group by it."""
    tags: tuple[str, ...] = ()
    """Label tags that decide which transforms keep the answer true (`augment.labels`)."""
    corpus: str
    source_ref: str
    """The record of the corpus that this came from, such as `train.jsonl:17`."""
    split: Split = "train"
    licence: str = ""
    parent: str | None = None
    """`sample_id` of the family's first member: the clean sample of a view, or a sibling."""
    history: tuple[Mapping[str, Json], ...] = ()
    """What was done to the parent's media, in order; empty for an original (`augment.history`)."""
    recipe: str = ""
    steps: tuple[str, ...] = field(default=())
    """Reference key steps, where the corpus has them."""

    def __post_init__(self) -> None:
        slots = [b.type for m in self.prompt for b in m.content if b.type != "text"]
        if slots != [medium.kind for medium in self.media]:
            kinds = [medium.kind for medium in self.media]
            raise ValueError(f"{self.source_ref}: the prompt has places for {slots}, not {kinds}")
        if self.history and self.parent is None:
            raise ValueError(f"{self.source_ref}: a view needs the sample it was made from")

    @cached_property
    def question_id(self) -> str:
        """Identity of the question without its answer: prompt, media, view."""
        view: Json = [self.parent, list(self.history)] if self.history else None
        rest = canonical_json([[medium.media_id for medium in self.media], view])
        return text_hash(f"[{self.prompt_json},{rest[1:]}")

    @cached_property
    def sample_id(self) -> str:
        """Identity of the question with its answer."""
        return text_hash(f'["{self.question_id}",{self.answer_json}]')

    @property
    def reference(self) -> Reference:
        """What its completions are graded against."""
        return Reference(self.answer, self.steps)

    @property
    def modality(self) -> str:
        """The kinds of media it needs, such as `image` or `audio+image`; `text` for none."""
        return "+".join(sorted({medium.kind for medium in self.media})) or "text"

    @cached_property
    def prompt_json(self) -> str:
        """The prompt as canonical JSON."""
        return canonical_json([message.as_json() for message in self.prompt])

    @cached_property
    def answer_json(self) -> str:
        """The answer as canonical JSON."""
        return canonical_json(self.answer.as_json())

    @cached_property
    def question(self) -> str:
        """The text of the user's turns, for lexicons and for people."""
        users = (m for m in self.prompt if m.role == "user")
        return "\n".join(b.text for m in users for b in m.content if b.type == "text")


def ask(text: str, *media: Media, system: str = "") -> tuple[Message, ...]:
    """Build the usual prompt: the media first, then one text."""
    places = tuple(Block(medium.kind) for medium in media)
    user = Message("user", (*places, Block("text", text)))
    return (Message("system", (Block("text", system),)), user) if system else (user,)


def prompt_from_json(messages: Sequence[Mapping[str, Json]]) -> tuple[Message, ...]:
    """Read what `Sample.prompt_json` wrote, once it is parsed."""
    return tuple(
        Message(m["role"], tuple(Block(**block) for block in m["content"]))  # type: ignore
        for m in messages
    )


def plain_decimal(value: str | int) -> str:
    """Write a number in one plain form: `1,000.50` becomes `1000.5`, `-0` becomes `0`.

    Raises ValueError for what is not a finite decimal number.
    """
    try:
        number = Decimal(str(value).strip().replace(",", "").replace("_", ""))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is not a number") from error
    if not number.is_finite() or abs(number.adjusted()) > 100:
        raise ValueError(f"{value!r} is not a finite number of sensible size")
    plain = format(number, "f")
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain in ("-0", "") else plain
