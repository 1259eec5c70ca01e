"""Which stretches of a question are free to be written otherwise, and which mean what they say.

LaTeX, code, quotations, addresses and the texts of answers are left alone.
"""

import re
from collections.abc import Iterable

# No opening is searched past the next one, so that a text of nothing but openings is read once.
_FIXED = re.compile(
    r"```.*?(?:```|\Z)|`[^`\n]*`"  # code
    r"|\$\$[^$]*(?:\$(?!\$)[^$]*)*\$\$|\$[^$\n]*\$"  # formulas
    r"|\\\([^\\]*(?:\\(?![()])[^\\]*)*\\\)|\\\[[^\\]*(?:\\(?![\[\]])[^\\]*)*\\\]"
    r"|\\[A-Za-z]+(?:\s*[\[{][^\]}]*[\]}])*"  # a command of LaTeX with its arguments
    r"|\"[^\"]*\"|“[^“”]*”|«[^«»]*»|(?<!\w)'[^'\n]*'(?!\w)|‘[^‘’]*’"  # quotations
    r"|(?<!\S)\S*[@_/\\<>{}=^|~#]\S*",  # addresses, identifiers, expressions
    re.DOTALL,
)


def free_stretches(text: str, answers: Iterable[str] = ()) -> list[tuple[int, int]]:
    """Return the stretches of a text that mean the same when they are written a little otherwise."""
    fixed = sorted(span for pattern in _patterns(answers) for span in _spans(pattern, text))
    free, end = [], 0
    for start, stop in fixed:
        if start > end:
            free.append((end, start))
        end = max(end, stop)
    return [*free, (end, len(text))] if end < len(text) else free


def _patterns(answers: Iterable[str]) -> list[re.Pattern[str]]:
    words = sorted({text.strip() for text in answers if text.strip()}, key=len, reverse=True)
    if not words:
        return [_FIXED]
    listed = "|".join(map(re.escape, words))
    return [_FIXED, re.compile(rf"(?<!\w)(?:{listed})(?!\w)", re.IGNORECASE)]


def _spans(pattern: re.Pattern[str], text: str) -> list[tuple[int, int]]:
    return [match.span() for match in pattern.finditer(text)]
