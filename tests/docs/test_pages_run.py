"""Every command of the manual does what its page says, run in order from an empty folder.

What cannot be run here says why in a comment of the page; those are listed and counted.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import worlds
from blocks import Block, Shown, blocks

from flows.cli.main import run

pytestmark = pytest.mark.timeout(1800)  # the tiny policy is made once, whatever else runs
QUICK = ("docs/rewards.md", "docs/revisions.md")
"""Pages that `make test` runs; `make test-all` runs every one."""
NOT_RUN = {block.where: block.not_run for block in blocks() if block.commands() and block.not_run}


def pages() -> list[object]:
    """The pages that have commands to run, most of them slow."""
    named = dict.fromkeys(b.page for b in blocks() if b.commands() and not b.not_run)
    slow = [pytest.param(page, marks=pytest.mark.slow) for page in named if page not in QUICK]
    return [*(page for page in named if page in QUICK), *slow]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built-in policy, warmed up as everybody's is."""
    from train.tiny import build_tiny

    return build_tiny(tmp_path_factory.mktemp("policies") / "tiny")


@pytest.mark.parametrize("page", pages())
def test_the_commands_of_a_page_do_what_it_says(
    page: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    world = worlds.WORLDS.get(page, worlds.nothing)
    policy = tmp_path if world in worlds.WITHOUT_POLICY else request.getfixturevalue("tiny")
    to_run = [b for b in blocks() if b.page == page and b.commands() and not b.not_run]
    assert to_run
    with worlds.running:
        for nth, block in enumerate(to_run):
            if nth == 0 or block.afresh:
                _begin(world, tmp_path / str(nth) / "here", policy, monkeypatch)
            for command in block.commands():
                capfd.readouterr()
                _does_what_it_says(block, command, capfd)


def test_what_is_not_run_says_why() -> None:
    assert all(len(why) > 10 for why in NOT_RUN.values())
    for where, why in NOT_RUN.items():
        print(f"{where}: {why}")
    print(f"{len(NOT_RUN)} blocks of commands are shown and not run")


def _begin(world: worlds.World, folder: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in a new folder that holds what the page names."""
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOME", str(folder / "home"))
    world(folder, tiny)


def _does_what_it_says(block: Block, command: Shown, capfd: pytest.CaptureFixture[str]) -> None:
    code = _run(command)
    out, err = capfd.readouterr()
    assert code == block.exit_code, f"{block.where}: {command.text}\n{out[-3000:]}\n{err[-3000:]}"
    if block.language == "console":
        said = [line for line in command.printed if line.strip()]
        missing = _first_missing(said, out.splitlines(), vary=block.numbers_vary)
        assert missing is None, f"{block.where}: {command.text} does not print {missing!r}\n{out}"


def _run(command: Shown) -> int:
    """Run a command in this process, or in a shell where it needs one."""
    words = [
        _put_in(str(Path(word).expanduser()) if word[:2] == "~/" else word)
        for word in command.words
    ]
    if words[0] == "curricle" and not command.needs_a_shell:
        return run(words[1:])
    here = str(Path(sys.executable).parent)
    env = os.environ | {"PATH": f"{here}{os.pathsep}{os.environ['PATH']}"}
    return subprocess.run(["bash", "-c", _put_in(command.text)], check=False, env=env).returncode


def _put_in(text: str) -> str:
    """The text with what really runs here in the place of what the page shows."""
    for shown, really in worlds.stands_for.items():
        text = text.replace(shown, really)
    return text


def _first_missing(said: list[str], printed: list[str], *, vary: bool) -> str | None:
    """The first line that a page shows and that does not come, in order; `…` is anything."""
    left = iter(printed)
    for line in said:
        pattern = re.compile(_pattern(line, vary=vary))
        if not any(pattern.fullmatch(one.strip()) for one in left):
            return line
    return None


def _pattern(line: str, *, vary: bool) -> str:
    pattern = re.escape(" ".join(line.split())).replace("…", ".*").replace(r"\ ", r"\s+")
    return (
        re.sub(r"\d[\d,]*(\\\.\d+)?", r"[-+]?\\d[\\d,]*(?:\\.\\d+)?", pattern) if vary else pattern
    )
