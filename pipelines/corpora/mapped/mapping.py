"""What a mapping says: where the records of a corpus are, and what each field of them means."""

import re
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pipelines.corpora.tables import Form
from pipelines.record.media import MediaKind
from pipelines.record.sample import AnswerKind, Split

Layout = Literal["auto", "pairs", "media", "labelme"] | Form
Frame = Annotated[str, Field(pattern=r"^(pixels|0-1|0-1000|[^x]+x[^x]+)$")]


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from error
    return pattern


Pattern = Annotated[str, AfterValidator(_compiles)]


class Part(BaseModel):
    """What every part of a mapping has: unknown keys are mistakes."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class AnswerMap(Part):
    """Where the answer of a record is, and how it is written."""

    kind: AnswerKind
    """What it is, and so which reward checks it."""
    field: str = ""
    """The field that holds it, such as `answer` or `meta.answers.0`."""
    value: str = ""
    """The same answer for every record, instead of a field."""
    pattern: Pattern = ""
    """Regular expression that finds it in the field: its first group, or else all that it finds."""
    options: str = ""
    """Of a choice: the field with the list of options. Where the prompt has no place for
    `{options}`, they are listed below it."""
    options_in: str = ""
    """Of a choice: the field whose lines `A) …`, `(B) …` or `C. …` are the options. They stay
    where they are."""
    without_options: AnswerKind | None = None
    """Of a choice: what the answers of records are whose list of options is empty or missing."""
    by: Literal["auto", "letter", "text", "0", "1"] = "auto"
    """Of a choice: whether it is given by letter, by the option's text, or by its place counted
    from 0 or from 1. By default the text is looked for, then the letter, then the place from 0."""
    unit: str = ""
    """Of a number: its unit, as a template such as `cm` or `{unit}`."""
    tolerance: str = ""
    """Of a number: largest accepted error, such as `0.5` or `5%`; of a point: pixels."""
    variants: str = ""
    """Of a text: the field with the list of other spellings that count as the same."""
    true: tuple[str, ...] = ("true", "yes", "y", "1", "right", "correct")
    """Of yes or no: the words for yes."""
    false: tuple[str, ...] = ("false", "no", "n", "0", "wrong", "incorrect")
    """Of yes or no: the words for no."""
    frame: Frame = "pixels"
    """Of boxes and points: what their numbers count. `pixels` of the picture, shares `0-1` or
    `0-1000` of its sides, or pixels of a picture resized to `800x600` or `{width}x{height}`."""
    corners: Literal["xyxy", "xywh", "centre"] = "xyxy"
    """Of boxes: two corners, a corner with width and height, or the middle with width and
    height."""

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        if bool(self.field) == bool(self.value):
            raise ValueError("the answer has either a field or a value")
        if self.kind == "choice" and bool(self.options) == bool(self.options_in):
            raise ValueError("a choice has either options or options_in")
        return self


class MediaMap(Part):
    """Where a picture, clip or video of a record is."""

    kind: MediaKind = "image"
    """What it is."""
    field: str
    """The field that holds it, or a list of several: a path, bytes, base64, a data URL, or
    `bytes` and `path` together as `datasets` writes them."""
    base: str = ""
    """Folder that paths start from, relative to the corpus; may name fields, such as `{split}`."""
    form: Literal["auto", "path", "base64"] = "auto"
    """How a text is meant; by default a very long one without a dot is base64."""
    optional: bool = False
    """Whether a record may have none."""


class SplitMap(Part):
    """Which split a record belongs to."""

    value: Split | None = None
    """The same one for every record."""
    field: str = ""
    """The field that names it; `_file` is the path of the file."""
    pattern: Pattern = ""
    """Regular expression that finds it in the field: its first group, or else all."""
    names: dict[str, Split] = {}
    """What the corpus calls `train`, `validation` and `test`; `dev`, `val` and `valid` are known."""
    test_share: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Share of the records that are held out as `test`, by the hash of their `group`."""
    group: str = ""
    """Template of what belongs together, such as `{speaker}`; by default the record's own id."""


class Mapping(Part):
    """A corpus in a TOML file of a person's own."""

    title: str = ""
    """What the corpus is, in a few words."""
    licence: str = ""
    """Its licence, such as `CC-BY-4.0`."""
    homepage: str = ""
    """Where it is from."""
    files: str | tuple[str, ...] = "**/*"
    """Which files hold its records: patterns such as `data/*.jsonl`."""
    format: Layout = "auto"
    """What they are: a table (told by looking), `pairs` of files with one name and several
    endings (also inside WebDataset tars), `media` files that are records themselves, or
    `labelme`."""
    archives: str | tuple[str, ...] = ()
    """Archives in the corpus to unpack while it is read: patterns such as `images*.zip`. Paths
    are then looked for in them too. For `pairs`, every tar is."""
    name_pattern: Pattern = ""
    """Regular expression on the path of a file (of the medium, for `media`); its named groups
    become fields of the record, such as `(?P<label>[a-z]+)/[0-9]+\\.wav`."""
    each: str = ""
    """Field with a list: each of its items is a question of its own, with the record's other
    fields; an item that is no object is called `item`."""
    id: str = ""
    """Template of a record's name within its file, such as `{qid}`; by default its number."""
    prompt: str
    """What is asked: a text with the names of fields, such as `{context?}\\n{question}`. A field
    with a question mark may be missing."""
    system: str = ""
    """System message, as a template."""
    answer: AnswerMap
    """The answer."""
    media: tuple[MediaMap, ...] = ()
    """The media, in order. In the prompt, `<image>` (or `<audio>`, `<video>`) is where the next one
    goes and `<image2>` where the second; without such marks they go before the text."""
    joined: bool = False
    """Whether several marks may stand for parts of one picture, which goes where the first is."""
    steps: str = ""
    """Field with the steps to the answer: a list, or a text with one a line."""
    task: str = ""
    """What is asked, as a template; reports and quotas group by it. By default the name of the
    corpus."""
    tags: tuple[str, ...] = ()
    """What the answer hangs on (`docs/augmentation.md`), as templates."""
    split: SplitMap = SplitMap()
    """Which split a record belongs to. By default the file, folder or list that it is in says so
    by its name, such as `test-00000.parquet`, `dev/` or `{"test": […]}`, and else it is `train`."""

    @property
    def patterns(self) -> tuple[str, ...]:
        """The patterns of `files`."""
        return (self.files,) if isinstance(self.files, str) else self.files

    @property
    def archive_patterns(self) -> tuple[str, ...]:
        """The patterns of `archives`, and of WebDataset's tars."""
        given = (self.archives,) if isinstance(self.archives, str) else self.archives
        return given or (("**/*.tar", "**/*.tar.gz") if self.format == "pairs" else ())

    @model_validator(mode="after")
    def _stays_inside(self) -> Self:
        for pattern in (*self.patterns, *self.archive_patterns):
            if not pattern or pattern.startswith(("/", "~")) or ".." in pattern.split("/"):
                raise ValueError(f"pattern {pattern!r} leads out of the corpus")
        return self
