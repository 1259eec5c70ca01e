"""Draft a mapping by looking: what was guessed stands in its comments, and so does what was not."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from pipelines.corpora.mapped.layouts import MEDIA
from pipelines.corpora.mapped.looking import Column, Seen, columns_of, looked_at
from pipelines.corpora.mapped.reader import SPLITS
from pipelines.corpora.options import MOST
from pipelines.corpora.registry import CORPORA
from pipelines.workspace import WrongUse

PROMPTS = (
    "question",
    "problem",
    "query",
    "prompt",
    "instruction",
    "q",
    "input",
    "sentence",
    "text",
)
ANSWERS = (
    *("answer", "ground_truth", "gt", "gold", "label", "target", "correct", "answer_idx"),
    *("correct_answer", "answerkey", "solution", "output", "response", "a"),
)
HEARD = ("transcription", "transcript", "sentence", "text", "txt", "normalized_text", "label")
PLACES = ("bbox", "box", "boxes", "bboxes", "point", "click", "coordinates")
OPTIONS = ("options", "choices", "candidates", "answers")
STEPS = ("steps", "rationale", "explanation", "cot", "reasoning", "solution")
IDS = ("id", "qid", "uid", "question_id", "sample_id", "idx", "index", "key", "pid")
BASES = (
    "",
    "images",
    "image",
    "img",
    "imgs",
    "pictures",
    "media",
    "audio",
    "clips",
    "wavs",
    "videos",
    "data",
)
YES_NO = ("yes", "no", "true", "false")

_MARKED = re.compile(r"####\s*(.+)")
_LETTERED = re.compile(r"^\s*[(\[]?[AB]\s*[)\].:]", re.MULTILINE)


@dataclass(slots=True)
class Draft:
    """A mapping in the making."""

    text: str = ""
    """The TOML file."""
    guessed: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    """What could not be told by looking, and must be filled in."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """A mapping that was written."""

    name: str
    path: Path
    guessed: tuple[str, ...]
    missing: tuple[str, ...]
    entry: str
    """The table of the corpus in curricle.toml."""


def written(root: Path, folder: Path, name: str | None = None) -> Drafted:
    """Draft the mapping of a corpus and write it into a folder, under the corpus' name.

    Raises CorpusError where there is nothing in the corpus, and WrongUse where the file is there.
    """
    name = name or re.sub(r"[^a-z0-9]+", "-", root.name.partition(".")[0].lower()).strip("-")
    if name in CORPORA or not re.fullmatch(r"[\w-]+", name):
        raise WrongUse(f"{name!r} cannot be the corpus' name; give another with --name")
    path = folder / f"{name}.toml"
    if path.exists():
        raise WrongUse(f"{path} is there already; edit it, or give another --name")
    draft = drafted(root)
    folder.mkdir(parents=True, exist_ok=True)
    path.write_text(draft.text, encoding="utf-8")
    lines = ["[[corpora]]", f'name = "{name}"', f"path = {_quoted(str(root))}"]
    entry = "\n".join([*lines, f'map = "{folder.name}/{path.name}"'])
    return Drafted(name, path, tuple(draft.guessed), tuple(draft.missing), entry)


def drafted(root: Path) -> Draft:
    """Look at a corpus and draft its mapping. Raises CorpusError where there is nothing in it."""
    seen = looked_at(root)
    if seen.layout == "media":
        return _of_media(seen)
    if seen.layout == "labelme":
        return _of_labelme(seen)
    return _of_columns(seen)


def _of_columns(seen: Seen) -> Draft:
    draft, (each, columns) = Draft(), _questions(seen)
    media = [column for column in columns.values() if column.media]
    heard = any(column.media == "audio" for column in media)
    rest = {name: column for name, column in columns.items() if column not in media}
    options = _named(rest, OPTIONS, _is_options)
    place = _named(rest, PLACES, lambda column: bool(_coordinates(column)))
    steps = _named(rest, STEPS, lambda column: column.is_text or _is_list_of_text(column))
    prompt = None if heard else _named(rest, PROMPTS, lambda c: c.is_text) or _longest(rest)
    taken = [column.name for column in (options, prompt) if column]
    left = {name: column for name, column in rest.items() if name not in taken}
    answer = place or _named(left, HEARD if heard else ANSWERS, _is_answer)
    lines = _head(seen, draft)
    if each:
        draft.guessed.append(f"each item of {each!r} is a question of its own")
        lines.append(f"each = {_quoted(each)}")
    lines += _prompt(prompt, heard=heard, draft=draft)
    lines += _steps(steps, answer, draft) + _id(rest, draft)
    if not media and any("<image>" in text for c in rest.values() for text in c.texts[:20]):
        draft.missing.append("media: texts say <image>, and no column holds pictures")
    elif not media and seen.names:
        draft.missing.append(f"media: no column names the files there are, such as {seen.names[0]}")
    lines += _answer(answer, options, prompt, heard=heard, draft=draft)
    lines += [line for column in media for line in _medium(column, seen, draft)]
    return _finished(draft, lines + _split(rest, draft), seen)


def _questions(seen: Seen) -> tuple[str, dict[str, Column]]:
    """Find the list whose items are the questions, where the record asks none; "" for no list."""
    for column in seen.columns.values() if not _asks(seen.columns) else ():
        lists = [value for value in column.values if isinstance(value, list) and value]
        if lists and all(isinstance(item, dict) for items in lists for item in items):
            inner = columns_of([item for items in lists for item in items])
            if _asks(inner):
                outer = {n: c for n, c in seen.columns.items() if n != column.name}
                return column.name, {**outer, **inner}
    return "", seen.columns


def _asks(columns: dict[str, Column]) -> bool:
    return _named(columns, PROMPTS, lambda column: column.is_text) is not None


def _of_media(seen: Seen) -> Draft:
    """Take the label from the folders, where there are several, else from the start of the name."""
    draft = Draft()
    folders = {name.rpartition("/")[0] for name in seen.names} - {""}
    by_folder = 1 < len(folders) < max(2, len(seen.names) / 2)
    pattern = r"(?P<label>[^/]+)/[^/]+$" if by_folder else r"(?P<label>[^/_.-]+)[^/]*$"
    where = "folders" if by_folder else "start of each file's name"
    labels = {match["label"] for name in seen.names if (match := re.search(pattern, name))}
    draft.guessed.append(f"the answer is the {where}, such as {_some(sorted(labels))}")
    draft.missing.append("prompt: no text in the corpus asks anything; the one here is a stand-in")
    kind = "number" if all(map(_is_number, labels)) else "text"
    lines = [
        *_head(seen, draft),
        "# The named groups become fields.",
        f"name_pattern = {_literal(pattern)}",
        'prompt = "Which label fits? Answer with it alone."   # say what is to be answered',
        "",
        "[answer]",
        f'kind = "{kind}"',
        'field = "label"',
    ]
    return _finished(draft, lines, seen)


def _of_labelme(seen: Seen) -> Draft:
    draft = Draft(guessed=["each file is LabelMe's: one question for each label on a picture"])
    lines = [
        *_head(seen, draft),
        'prompt = "Where is each {label} in the picture? Answer with boxes [x1, y1, x2, y2] in pixels."',
        'tags = ["grounding"]   # add "gui" where the pictures are screens',
        "",
        "[answer]",
        'kind = "boxes"',
        'field = "boxes"',
    ]
    return _finished(draft, lines, seen)


def _head(seen: Seen, draft: Draft) -> list[str]:
    files = seen.files[0] if len(seen.files) == 1 else list(seen.files)
    lines = ['licence = ""   # such as "CC-BY-4.0"; it goes into data cards']
    if seen.files != ("**/*",):
        lines.append(f"files = {_quoted(files)}")
    if seen.layout != "auto":
        lines.append(f'format = "{seen.layout}"')
    if seen.archives:
        lines.append(f"archives = {_quoted(list(seen.archives))}")
        draft.guessed.append(f"{', '.join(seen.archives)} hold files of the corpus")
    return lines


def _prompt(prompt: Column | None, *, heard: bool, draft: Draft) -> list[str]:
    if heard:
        draft.guessed.append("clips are to be written down")
        return ['prompt = "Write down what is said."']
    if prompt is None:
        draft.missing.append("prompt: no column looks like a question")
        return ['# prompt = "{question}"   # which field asks?']
    draft.guessed.append(f"{prompt.name!r} asks, such as {_some(prompt.texts)}")
    return [f"prompt = {_quoted('{' + prompt.name + '}')}"]


def _answer(
    answer: Column | None,
    options: Column | None,
    prompt: Column | None,
    *,
    heard: bool,
    draft: Draft,
) -> list[str]:
    if answer is None:
        draft.missing.append("answer: no column looks like one")
        return ["", "[answer]", '# kind = "text"', '# field = "answer"   # which field holds it?']
    lines = ["", "[answer]"]
    in_prompt = prompt is not None and sum(map(_is_lettered, prompt.texts)) > prompt.rows / 2
    if heard:
        kind = "transcript"
    elif options or (in_prompt and _are_letters(answer)):
        kind = "choice"
    else:
        kind, pattern = _kind(answer)
        lines += [f"pattern = {_literal(pattern)}"] if pattern else []
    lines[2:2] = [f'kind = "{kind}"', f"field = {_quoted(answer.name)}"]
    if options and (len(options.values) < options.rows or not all(map(_json, options.values))):
        lines.append('without_options = "math"   # where there are none; or number, or text')
    if kind == "choice":
        named, column = ("options", options) if options else ("options_in", prompt)
        lines.append(f"{named} = {_quoted(column.name if column else '')}")
    if kind in ("box", "boxes", "point"):
        frame = _frame(answer)
        lines.append(f'frame = "{frame}"   # pixels, 0-1, 0-1000 or {{width}}x{{height}}')
        lines.append('# corners = "xywh"   # where the last two are width and height')
    draft.guessed.append(f"{answer.name!r} answers ({kind}), such as {_some(answer.values)}")
    return lines


def _medium(column: Column, seen: Seen, draft: Draft) -> list[str]:
    lines = ["", "[[media]]", f'kind = "{column.media}"']
    lines.append(f"field = {_quoted(column.name)}")
    base = _base(column, seen)
    if base:
        lines.append(f"base = {_quoted(base)}")
    if base is None:
        draft.missing.append(f"media: the files that {column.name!r} names are not where it says")
        lines.append('# base = "images"   # which folder do its paths start from?')
    if len(column.values) < column.rows:
        lines.append("optional = true")
    draft.guessed.append(f"{column.name!r} holds the {column.media}s")
    return lines


def _base(column: Column, seen: Seen) -> str | None:
    """Find the folder that a column's paths start from; "" is the corpus' own, None is none."""
    paths = [path for value in column.values[:20] if (path := _path(value))]
    if not paths or seen.layout == "pairs" or seen.archives:
        return ""
    root = seen.root if seen.root.is_dir() else seen.root.parent
    folders = [path.name for path in sorted(root.iterdir()) if path.is_dir()]
    for base in dict.fromkeys((*BASES, *folders)):
        if sum(_is_file(root / base / path) for path in paths) > len(paths) / 2:
            return base
    return None


def _path(value: Any) -> str:
    if isinstance(value, list) and value:
        value = value[0]
    if isinstance(value, dict):
        value = "" if value.get("bytes") else value.get("path")
    is_path = isinstance(value, str) and ":" not in value and value.lower().endswith(MEDIA)
    return str(value) if is_path else ""


def _steps(steps: Column | None, answer: Column | None, draft: Draft) -> list[str]:
    if steps is None or (answer is not None and steps.name == answer.name):
        return []
    draft.guessed.append(f"{steps.name!r} may hold the steps; it is left out until you say so")
    return [f"# steps = {_quoted(steps.name)}   # where each line is a step"]


def _id(columns: dict[str, Column], draft: Draft) -> list[str]:
    column = _named(columns, IDS, lambda column: column.is_unique)
    if column is None:
        return []
    draft.guessed.append(f"{column.name!r} names the records")
    return [f"id = {_quoted('{' + column.name + '}')}"]


def _split(columns: dict[str, Column], draft: Draft) -> list[str]:
    known = set(SPLITS)
    column = _named(columns, ("split", "fold", "subset", "partition"), lambda c: c.is_text)
    if column is None or not {text.casefold() for text in column.texts} <= known:
        return []
    draft.guessed.append(f"{column.name!r} names the split")
    return ["", "[split]", f"field = {_quoted(column.name)}"]


def _finished(draft: Draft, lines: list[str], seen: Seen) -> Draft:
    if seen.problems:
        counted = ", ".join(f"{count} {reason}" for reason, count in seen.problems.most_common(3))
        draft.missing.append(f"rows: some of the first could not be read ({counted})")
    comments = [
        "# Drafted by looking at the corpus; check each line. docs/corpora.md explains the keys."
    ]
    comments += [f"# Guessed: {one}." for one in map(_one_line, draft.guessed)]
    comments += [f"# To fill in: {one}." for one in map(_one_line, draft.missing)]
    used = "\n".join(lines)
    others = [n for n in seen.columns if f'"{n}"' not in used and f"{{{n}}}" not in used]
    if others:
        comments.append(f"# Other fields: {_one_line(', '.join(others[:30]))}.")
    draft.text = "\n".join([*comments, "", *lines, ""])
    return draft


def _named(
    columns: dict[str, Column], names: Sequence[str], fits: Callable[[Column], bool]
) -> Column | None:
    """Find the column by the first of the names that one has, and whose values fit."""
    for name in names:
        for column in columns.values():
            if column.name.rpartition(".")[2].casefold() == name and column.values and fits(column):
                return column
    return None


def _longest(columns: dict[str, Column]) -> Column | None:
    asking = [
        c for c in columns.values() if c.is_text and sum("?" in t for t in c.texts) > c.rows / 2
    ]
    return max(asking, key=lambda c: sum(map(len, c.texts)), default=None)


def _is_options(column: Column) -> bool:
    given = [_json(value) for value in column.values]
    some = any(given) and all(isinstance(value, list | dict) for value in given)
    return some and all(2 <= len(value) <= MOST for value in given if value)


def _is_answer(column: Column) -> bool:
    return all(isinstance(value, str | int | float | list) for value in column.values)


def _is_list_of_text(column: Column) -> bool:
    return all(isinstance(v, list) and all(isinstance(x, str) for x in v) for v in column.values)


def _is_lettered(text: str) -> bool:
    return len(_LETTERED.findall(text)) >= 2


def _are_letters(column: Column) -> bool:
    return all(re.fullmatch(r"[(\[]?[A-Za-z][)\].]?", text.strip()) for text in column.texts)


def _kind(column: Column) -> tuple[str, str]:
    """Tell the kind of an answer from its values, and the pattern that finds it in them."""
    if (count := _coordinates(column)) is not None:
        return {2: "point", 4: "box"}.get(count, "boxes"), ""
    texts = [str(value).strip() for value in column.values]
    if all(_MARKED.search(text) for text in texts):
        return "number", r"####\s*(.+)"
    if all(text.casefold().rstrip(".") in YES_NO for text in texts):
        return "bool", ""
    if all(map(_is_number, texts)):
        return "number", ""
    if any("\\" in text or text.startswith("$") for text in texts):
        return "math", ""
    lists = all(isinstance(_json(value), list) for value in column.values)
    return ("set" if lists else "text"), ""


def _coordinates(column: Column) -> int | None:
    """Count the numbers of each value where it is a point or a box; 0 for lists of boxes."""
    counts = {_count(_json(value)) for value in column.values}
    return counts.pop() if len(counts) == 1 else 0 if counts and counts <= {0, 4} else None


def _count(value: Any) -> int | None:
    if not isinstance(value, list) or not value:
        return None
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in value):
        return len(value) if len(value) in (2, 4) else None
    return 0 if all(_count(one) == 4 for one in value) else None


def _frame(column: Column) -> str:
    """Shares are at most 1; what lies within 1000 may be pixels as well, and pixels are usual."""
    numbers = [abs(number) for value in column.values for number in _flat(_json(value))]
    return "0-1" if numbers and max(numbers) <= 1 else "pixels"


def _flat(value: Any) -> list[float]:
    if isinstance(value, list):
        return [number for one in value for number in _flat(one)]
    return [float(value)] if isinstance(value, int | float) else []


def _json(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip()[:1] in ("[", "{"):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _is_number(text: str) -> bool:
    try:
        return Decimal(text.replace(",", "")).is_finite()
    except InvalidOperation:
        return False


def _some(values: Sequence[Any]) -> str:
    return ", ".join(
        json.dumps(value, ensure_ascii=False, default=str)[:60] for value in values[:3]
    )


def _one_line(text: str) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:300]


def _quoted(value: str | list[str]) -> str:
    """Write a text, or a list of them, as TOML does: as JSON, but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _literal(pattern: str) -> str:
    return f"'{pattern}'"
