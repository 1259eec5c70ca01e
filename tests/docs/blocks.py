"""The fenced blocks of the manual, and the commands that stand in them.

Commands stand in `bash` blocks, one a line, or after `$ ` in `console` blocks, with what they print
below. A comment on the line before a block, which no reader sees, says how it is tested:
`<!-- not run: why -->`; `<!-- numbers vary -->` where what is printed differs in numbers alone;
`<!-- exits 1 -->` where a command is shown that finds fault; `<!-- afresh -->` where what the blocks
above it did is not there.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]
}
FENCE = re.compile(r"^(?P<mark>```+)(?P<language>[\w-]*)\n(?P<text>.*?)^(?P=mark)$", re.M | re.S)
COMMENT = re.compile(r"<!-- (?P<said>[^>]*) -->\n\Z")
INLINE = re.compile(
    r"`((?:[A-Z_]+=\S+ )*(?:curricle|make|python|pytest|accelerate|torchrun|pip) [^`]+)`"
)
PROGRAMS = (
    "curricle",
    "make",
    "python",
    "pytest",
    "pip",
    "uv",
    "prefect",
    "accelerate",
    "torchrun",
)


@dataclass(frozen=True)
class Shown:
    """One command as a page shows it, and what the page says that it prints."""

    text: str
    printed: tuple[str, ...] = ()

    @property
    def words(self) -> list[str]:
        """The command as a shell would pass it on; variables set before it are left out."""
        words = shlex.split(self.text.replace("\\\n", " "), comments=True)
        while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
            words = words[1:]
        return words

    @property
    def needs_a_shell(self) -> bool:
        """Whether it uses what only a shell can do."""
        return bool(re.search(r"\$\(|\||&|>|^export |^cd ", self.text))


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: str
    line: int
    language: str
    text: str
    said: str

    @property
    def where(self) -> str:
        """Page and line, as an editor opens it."""
        return f"{self.page}:{self.line}"

    @property
    def not_run(self) -> str:
        """Why its commands are not run here; empty where they are."""
        return self.said.removeprefix("not run: ") if self.said.startswith("not run: ") else ""

    @property
    def numbers_vary(self) -> bool:
        """Whether what is printed is compared without its numbers."""
        return "numbers vary" in self.said

    @property
    def afresh(self) -> bool:
        """Whether it begins anew, without what the blocks above it did."""
        return "afresh" in self.said

    @property
    def exit_code(self) -> int:
        """What each of its commands leaves with."""
        found = re.search(r"exits (\d)", self.said)
        return int(found[1]) if found else 0

    def commands(self) -> list[Shown]:
        """The commands in the block, in order; none where it holds something else."""
        if self.language == "bash":
            return [Shown(text) for text in _logical_lines(self.text.splitlines())]
        if self.language == "console":
            return list(_of_a_session(self.text.splitlines()))
        return []


def blocks() -> Iterator[Block]:
    """Every fenced block of the manual."""
    for page, text in PAGES.items():
        for found in FENCE.finditer(text):
            comment = COMMENT.search(text[: found.start()])
            line = text.count("\n", 0, found.start()) + 1
            said = comment["said"] if comment else ""
            yield Block(page, line, found["language"], found["text"], said)


def inline_commands() -> Iterator[tuple[str, str]]:
    """Page and text of the commands that stand in a line of prose or in a table."""
    for page, text in PAGES.items():
        for found in INLINE.finditer(FENCE.sub("", text)):
            yield page, " ".join(found[1].replace("\\|", "|").split())


def _logical_lines(lines: list[str]) -> Iterator[str]:
    """Join what a backslash or an open quote carries over; leave comments out."""
    held = ""
    for line in lines:
        held = f"{held}\n{line}" if held else line
        if not held.endswith("\\") and _closed(held):
            if shlex.split(held, comments=True):
                yield held
            held = ""
    assert not held, f"an open quote: {held}"


def _of_a_session(lines: list[str]) -> Iterator[Shown]:
    command, printed = "", []
    for line in [*lines, "$ "]:
        if command and not (_closed(command) and not command.endswith("\\")):
            command += f"\n{line.removeprefix('> ')}"
        elif line.startswith("$ "):
            if command:
                yield Shown(command, tuple(printed))
            command, printed = line.removeprefix("$ "), []
        else:
            printed.append(line)


def _closed(text: str) -> bool:
    try:
        shlex.split(text, comments=True)
    except ValueError:
        return False
    return True
