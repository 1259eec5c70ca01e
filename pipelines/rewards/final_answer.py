"""Find the one answer that a completion commits to, whatever format it was asked for.

The first of these that it has decides: a box, an <answer> tag, `####`, a line `Answer: …`, and
else its last line, of which a leading `=` is dropped. Text in <think> tags is never an answer,
and neither is a closing courtesy such as `I hope this helps!`.
"""

import re
from typing import NamedTuple

EXTRACTION_VERSION = 2
"""Enters every reward's identity: raise it when the same completion may give another answer."""

LONGEST_COMPLETION = 100_000
LONGEST_ANSWER = 2_000

_BRACES = re.compile(r"\\boxed\s*\{|\\[{}]|[{}]")
_TAG = re.compile(r"<answer>((?:(?!<answer>).)*?)</answer>", re.DOTALL | re.IGNORECASE)
_TAG_ALONE = re.compile(r"<answer>([\w .,-]{1,200})</answer>")
_HASHES = re.compile(r"^[ \t]*####(.*)$", re.MULTILINE)
_LABEL = re.compile(
    r"^[ \t]*(?:#{1,6}[ ]*)?(?:\*\*)?(?:the[ ])?(?:final[ ])?answer[ ]?(?:is[ ]?)?(?:\*\*)?"
    # A heading's answer stands on the next line.
    r"(?::(?:\*\*)?|(?<=#[ ]answer)(?=\n)|(?<=final[ ]answer)(?=\n))[ \t]*(?:\n\s*)?(.*)$",
    re.MULTILINE | re.IGNORECASE,
)
_LAST_LINE_LABEL = re.compile(
    r"^(?:A:|=|.*?\b(?:the|my)[ ](?:final[ ]|correct[ ])?answer[ ]is\b:?)(.*)$", re.IGNORECASE
)
_OPTION = re.compile(r"[(\[]?([A-Z])(?:[)\]][.:]?|[.:])\s*\S")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_WRAPPED = re.compile(
    r"(?P<mark>\*\*|\*|`|\$\$|\$)(?P<a>[^*`$]+)(?P=mark)|\\\((?P<b>.*)\\\)|\\\[(?P<c>.*)\\\]"
    r"|\\(?:text|textbf|mathrm|mathbf)\{(?P<d>[^{}]*)\}",
    re.DOTALL,
)
_COURTESY = re.compile(
    r"^\W*(?:let me know|i hope|hope (?:this|that|it)|please (?:let|feel)|feel free|"
    r"if you (?:have|need|want|would)|is there anything|(?:i'm )?(?:happy|glad) to|thanks?\b|"
    r"you're welcome|do(?:es)? (?:this|that|you)|good luck|have a (?:great|nice|good))",
    re.IGNORECASE,
)
_HOPE = re.compile(r"\s*\bI hope (?:it|this|that)(?: is|'s) (?:correct|right)\b\W*$", re.IGNORECASE)
_DENIED = re.compile(
    r"\b(?:wrong|incorrect|(?:is|was|do|does|ca|wo|are)nt|unlikely|impossible|hardly|far from|"
    r"anything but|rather than|instead of|other than|except)\b",
    re.IGNORECASE,
)
_NEGATED = re.compile(r"\b(?:not|never|neither|nor|cannot)\b|n['’]t\b", re.IGNORECASE)


class FinalAnswer(NamedTuple):
    """What was found and by which sign; an empty text says there why nothing was."""

    text: str
    found_by: str


def final_answer(completion: str) -> FinalAnswer:
    """Extract what a completion finally says."""
    if match := _TAG_ALONE.fullmatch(completion):  # the same, sooner
        return FinalAnswer(match[1].strip(), "tag")
    found = _find(_after_thinking(completion[-LONGEST_COMPLETION:]))
    if _CONTROL.search(found.text):
        return FinalAnswer("", "control characters")
    if len(found.text) > LONGEST_ANSWER:
        return FinalAnswer("", "longer than any answer")
    return found._replace(text=unwrap(found.text))


def last_lines(completion: str, count: int) -> str:
    """Give the last lines that are not empty, for answers that take several."""
    spoken = _without_courtesy(_after_thinking(completion))
    lines = [line for line in spoken.splitlines() if line.strip()]
    return "\n".join(lines[-count:])


def unwrap(text: str) -> str:
    """Take off what marks an answer and says nothing: space, emphasis, dollars, `\\text{}`."""
    text = text.strip()
    while (match := _WRAPPED.fullmatch(text.rstrip("."))) is not None:
        text = next(match[name] for name in "abcd" if match[name] is not None).strip()
    return text


def is_negated(text: str) -> bool:
    """Whether it says that something is not so."""
    return _NEGATED.search(text) is not None


def is_denied(text: str) -> bool:
    """Whether it says that something is not so, or not the answer, in whatever words."""
    return is_negated(text) or _DENIED.search(text) is not None


def worked(completion: str) -> str:
    """Give what a completion says before its final answer: its thoughts and its work."""
    text = completion[-LONGEST_COMPLETION:]
    marks = [text.find("\\boxed"), text.casefold().find("<answer>")]
    marks += [match.start() for pattern in (_HASHES, _LABEL) if (match := pattern.search(text))]
    found = [mark for mark in marks if mark >= 0]
    if found:
        return text[: min(found)]
    before, _, line = _without_courtesy(text).rstrip().rpartition("\n")
    if match := _LAST_LINE_LABEL.match(line):
        return f"{before}\n{line[: match.start(1)]}"
    return before


def _find(text: str) -> FinalAnswer:
    boxes = _boxes(text) if "\\boxed" in text else []
    tags = _TAG.findall(text) if "<" in text else []
    for found_by, values in (("box", boxes), ("tag", tags)):
        if len({"".join(unwrap(value).casefold().split()) for value in values}) > 1:
            return FinalAnswer("", f"several different answers, each in a {found_by}")
        if values:
            return FinalAnswer(values[-1], found_by)
    for found_by, pattern, mark in (("hashes", _HASHES, "####"), ("label", _LABEL, "answer")):
        if mark in text.casefold() and (values := pattern.findall(text)):
            return FinalAnswer(_said(values[-1]), found_by)
    line = last_lines(text, 1).strip()
    if line.endswith("?"):
        return FinalAnswer("", "a question")
    if _is_list(last_lines(text, 2)):
        return FinalAnswer("", "a list of options")
    if match := _LAST_LINE_LABEL.match(line):
        return FinalAnswer(_HOPE.sub("", match[1]), "last_line_label")
    return FinalAnswer(line, "last_line") if line else FinalAnswer("", "nothing")


def _said(value: str) -> str:
    """Take off what people wrap around an answer even where they label it."""
    value = _HOPE.sub("", value.strip())
    if value.endswith("**") and value.count("**") == 1:  # the other half stood before the label
        value = value.removesuffix("**")
    match = _LAST_LINE_LABEL.match(value)
    return match[1] if match else value


def _without_courtesy(text: str) -> str:
    lines = text.rstrip().splitlines()
    while len(lines) > 1 and (not lines[-1].strip() or _COURTESY.match(lines[-1])):
        lines.pop()
    return "\n".join(lines)


def _is_list(lines: str) -> bool:
    """Whether each of several lines is a lettered option: a question repeated."""
    marks = [_OPTION.match(line.strip()) for line in lines.splitlines()]
    return len({mark[1] for mark in marks if mark}) > 1


def _after_thinking(text: str) -> str:
    before, closed, after = text.rpartition("</think>")
    return after if closed else before + after.partition("<think>")[0]


def _boxes(text: str) -> list[str]:
    r"""Give the contents of each innermost `\boxed{…}`, in one pass over the braces."""
    boxes: list[str] = []
    open_braces: list[int | None] = []  # where a box's content starts; None: any other brace
    innermost_from = 0
    for token in _BRACES.finditer(text):
        if token[0].startswith("\\boxed"):
            open_braces.append(token.end())
        elif token[0] == "{":
            open_braces.append(None)
        elif token[0] == "}" and open_braces:
            start = open_braces.pop()
            if start is not None and start >= innermost_from:
                boxes.append(text[start : token.start()])
                innermost_from = token.end()
    return boxes
