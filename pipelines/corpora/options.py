"""Multiple choice as corpora write it: options with letters or without, some of them pictures."""

import re
from collections.abc import Sequence

from pipelines.corpora.reading import BadRecord, plain_text
from pipelines.record.sample import Answer

MOST = 26

_LETTERED = re.compile(r"\s*[(\[]?([A-Za-z])\s*(?:[)\]][.:]?|[.:])\s*(.*)", re.DOTALL)
_LETTER = re.compile(r"[(\[]?\s*([A-Za-z])\s*[)\]]?[.:]?")
_PICTURE = re.compile(r"<image[0-9]*>")


def letter(place: int) -> str:
    """Give the letter of an option by its place, from 0."""
    return chr(ord("A") + place)


def option_texts(options: object) -> list[str]:
    """Take the texts of options from a record, without the letters `A)` that some come with.

    Options that are only letters, or pictures, are called by their letters. Raises BadRecord for
    what is no list of two to 26 of them.
    """
    if not isinstance(options, list) or not 2 <= len(options) <= MOST:
        raise BadRecord("bad_options", f"{options!r}"[:200])
    texts = [plain_text(option) for option in options]
    marked = [_LETTERED.fullmatch(text) for text in texts]
    bare = [match[2].strip() for i, match in enumerate(marked) if match and _is(match[1], i)]
    if len(bare) == len(texts):
        texts = bare
    return [letter(i) if _says_nothing(text, i) else text for i, text in enumerate(texts)]


def listed(question: str, options: Sequence[str]) -> str:
    """Write the options below a question, unless they are only letters of what is pictured."""
    if all(option == letter(i) for i, option in enumerate(options)):
        return question
    return "\n".join([question, *(f"({letter(i)}) {text}" for i, text in enumerate(options))])


def choice_of(value: object, options: Sequence[str]) -> Answer:
    """Make the answer that a record gives by letter, by text or by place from 0.

    Raises BadRecord for one that names no option, or one of two that are alike.
    """
    picked = _picked(value, options)
    if options.count(options[picked]) > 1:
        raise BadRecord("bad_options", f"two options are {options[picked]!r}"[:200])
    return Answer.choice(letter(picked), options)


def _picked(value: object, options: Sequence[str]) -> int:
    text = plain_text(value)
    if text in options:
        return options.index(text)
    if match := _LETTER.fullmatch(text):
        place = ord(match[1].upper()) - ord("A")
    else:
        place = value if isinstance(value, int) else -1
    if not 0 <= place < len(options):
        raise BadRecord("bad_answer", f"{value!r} is none of {list(options)}"[:200])
    return place


def _is(mark: str, place: int) -> bool:
    return mark.upper() == letter(place)


def _says_nothing(text: str, place: int) -> bool:
    match = _LETTER.fullmatch(text)
    return not text or bool(match and _is(match[1], place)) or bool(_PICTURE.fullmatch(text))
