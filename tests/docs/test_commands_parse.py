"""Every command that the manual shows, or names in a sentence, is one that its program takes."""

import re
import shlex
from collections import Counter

import parsers
import pytest
from blocks import PAGES, PROGRAMS, Block, Shown, blocks, inline_commands

SHOWN = [
    (block.where, command.words)
    for block in blocks()
    if block.page != "docs/commands.md"  # the synopses there are made from the parser
    for command in block.commands()
    if command.words and parsers.program(command.words) not in parsers.SHELL
]
NAMED = [
    # Of alternatives such as `FILE|FOLDER` the first one stands for all.
    (page, Shown(re.sub(r"(\w)\|[\w|-]+", r"\1", text)).words)
    for page, text in inline_commands()
    if "COMMAND" not in text
]


def test_every_shown_command_is_understood() -> None:
    wrong = [
        f"{where}: {shlex.join(words)}: {said}"
        for where, words in SHOWN
        if (parser := parsers.QUICK.get(parsers.program(words)))
        and (said := _refused(parser, words[1:]))
    ]
    assert wrong == []


@pytest.mark.slow
def test_every_command_of_others_is_understood() -> None:
    wrong = [
        f"{where}: {shlex.join(words)}: {said}"
        for where, words in [*SHOWN, *NAMED]
        if (parser := parsers.SLOW.get(parsers.program(words)))
        and (said := _refused(parser, words[1:]))
    ]
    assert wrong == []


def test_every_command_named_in_a_sentence_is_understood() -> None:
    wrong = [
        f"{page}: {shlex.join(words)}: {said}"
        for page, words in NAMED
        if (parser := parsers.QUICK.get(parsers.program(words)))
        and (said := _refused(parser, words[1:]))
    ]
    assert wrong == []


def test_somebody_can_read_every_command() -> None:
    known = parsers.QUICK.keys() | parsers.SLOW.keys() | parsers.ELSEWHERE
    assert {parsers.program(words) for _, words in SHOWN} - known == set()
    elsewhere = Counter(
        p for _, words in SHOWN if (p := parsers.program(words)) in parsers.ELSEWHERE
    )
    print(f"{sum(elsewhere.values())} lines are for programs that are not installed: {elsewhere}")


def test_commands_stand_in_blocks_that_say_so() -> None:
    bare = [block.where for block in blocks() if block.language == "" and _is_command(block)]
    assert [where for where in bare if not where.startswith("docs/benchmarks.md")] == []


def test_a_wrong_option_would_be_found() -> None:
    for words in (["score", "--wher", "x"], ["scor"], ["evaluate", "tiny", "--set", "bogus"]):
        assert _refused(parsers.curricle, words)
    assert _refused(parsers.make, ["tset"])
    assert _refused(parsers.python, ["benchmarks/curate.py", "--rowz", "2"])
    assert _refused(parsers.pytest, ["tests/nothing.py"])
    assert _refused(parsers.pip, ["install", "curricle[none]"])


def test_the_manual_is_not_empty() -> None:
    assert len(PAGES) > 30
    assert len(SHOWN) > 60
    assert len(NAMED) > 60


def _refused(parser: object, words: list[str]) -> str:
    try:
        parser(words)  # type: ignore[operator]
    except AssertionError as error:
        return str(error) or "not understood"
    return ""


def _is_command(block: Block) -> bool:
    return any(
        line.startswith(tuple(f"{p} " for p in PROGRAMS)) for line in block.text.splitlines()
    )
