"""Command lines held against the parser of the program that they name, without running them."""

import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from blocks import ROOT


class Unparsed(AssertionError):
    """The line names an option, a file or a target that there is not."""


def curricle(words: Sequence[str]) -> None:
    from cyclopts import CycloptsError, MissingArgumentError

    from flows.cli.main import app

    try:
        app.parse_args(list(words), exit_on_error=False, print_error=False)
    except MissingArgumentError as error:
        if len(words) > len(_subcommand(words)):  # a bare name in prose is only a name
            raise Unparsed(str(error)) from error
    except CycloptsError as error:
        raise Unparsed(str(error)) from error


def make(words: Sequence[str]) -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    _all_in([word for word in words if "=" not in word], targets, "Makefile")


def python(words: Sequence[str]) -> None:
    if words[0] == "-m":
        assert words[1] in ("http.server", "curricle"), words
        return
    script = ROOT / words[0]
    if not script.is_file():
        raise Unparsed(f"there is no {words[0]}")
    options = [word.split("=")[0] for word in words[1:] if word.startswith("--")]
    _all_in(options, re.findall(r"--[a-z-]+", script.read_text()), words[0])


def pytest(words: Sequence[str]) -> None:
    paths = [word.split("::")[0] for word in words if word.startswith("tests")]
    if missing := [path for path in paths if not (ROOT / path).exists()]:
        raise Unparsed(f"there is no {missing[0]}")


def pip(words: Sequence[str]) -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for word in words[1:]:
        if extra := re.fullmatch(r"(?:curricle|\.)\[([\w,]+)\]", word):
            _all_in(extra[1].split(","), settings["optional-dependencies"], "pyproject.toml")


def accelerate(words: Sequence[str]) -> None:
    from accelerate.commands.launch import launch_command_parser

    assert words[0] == "launch"
    if words[1:]:  # a bare name in prose is only a name
        _argparsed(launch_command_parser(), words[1:])


def torchrun(words: Sequence[str]) -> None:
    from torch.distributed.run import get_args_parser

    _argparsed(get_args_parser(), words)


def prefect(words: Sequence[str]) -> None:
    from cyclopts import CycloptsError
    from prefect.cli._app import _app

    try:
        _app.parse_args([w for w in words if w != "&"], exit_on_error=False, print_error=False)
    except CycloptsError as error:
        raise Unparsed(str(error)) from error


def transformers(words: Sequence[str]) -> None:
    import click
    import typer
    from transformers.cli.transformers import app

    command = typer.main.get_command(app)
    assert isinstance(command, click.Group)
    try:
        command.commands[words[0]].make_context(words[0], list(words[1:]))
    except click.ClickException as error:
        raise Unparsed(error.format_message()) from error


QUICK: Mapping[str, Callable[[Sequence[str]], None]] = {
    "curricle": curricle,
    "make": make,
    "python": python,
    "pytest": pytest,
    "pip": pip,
}
SLOW: Mapping[str, Callable[[Sequence[str]], None]] = {
    "accelerate": accelerate,
    "torchrun": torchrun,
    "prefect": prefect,
    "transformers": transformers,
}
"""Those that take seconds to import."""
ELSEWHERE = frozenset({"vllm", "sglang.launch_server", "trl", "swift", "llamafactory-cli"})
"""Programs that are not installed here: their lines are counted, and nobody reads them."""
SHELL = frozenset(
    {
        "export",
        "cd",
        "kill",
        "ls",
        "cat",
        "mkdir",
        "cp",
        "mv",
        "duckdb",
        "curl",
        "rm",
        "printf",
        "echo",
        "grep",
        "tar",
    }
)


def program(words: Sequence[str]) -> str:
    """Whose parser a line is for."""
    if words[:2] == ["python", "-m"] and words[2] in ELSEWHERE:
        return words[2]
    return Path(words[0]).name


def _subcommand(words: Sequence[str]) -> list[str]:
    """The words of a line that name a command and its subcommand."""
    from flows.cli.main import COMMANDS, app

    named = list(words[:1]) if words[0] in COMMANDS else []
    if len(words) > 1 and named and words[1] in list(app[words[0]]):
        named.append(words[1])
    return named


def _all_in(names: Sequence[str], known: object, where: str) -> None:
    for name in names:
        if name not in known:  # type: ignore[operator]
            raise Unparsed(f"{where} has no {name}")


def _argparsed(parser: object, words: Sequence[str]) -> None:
    try:
        parser.parse_args(list(words))  # type: ignore[attr-defined]
    except SystemExit as error:
        raise Unparsed(f"not understood: {' '.join(words)}") from error
