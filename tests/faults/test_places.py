"""Workspaces where it is hard to work: read only, of somebody else, with odd names, without locks."""

import errno
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Cli, ended, started

NOBODY = """
import atexit, os
from flows.cli.main import run
for words in (["ingest", "sums", "--size", "6", "--no-clean"], ["status"]):
    assert run([*words, "--workspace", {ours!r}]) == 0
atexit._run_exitfuncs()  # helpers that root has started
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
"""
"""Does all as root before, since nobody may read where Python itself lies."""


@pytest.fixture
def read_only(cli: Cli, tmp_path: Path) -> Iterator[Cli]:
    """A workspace on a file system that takes no more writes."""
    assert cli("init").code == 0
    assert cli("ingest", "sums", "--size", "6", "--no-clean").code == 0
    where = ["mount", "--bind", cli.root, cli.root]
    if subprocess.run(where, capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a file system, so none can be made read-only")
    subprocess.run(["mount", "-o", "remount,bind,ro", cli.root], check=True)
    yield cli
    subprocess.run(["umount", "--lazy", cli.root], check=True)


def test_in_a_read_only_workspace_each_command_says_so_and_reading_goes_on(read_only: Cli) -> None:
    writing = [("ingest", "beeps", "--size", "6"), ("clean",), ("augment", "light-text")]
    for words in writing:
        said = read_only(*words)
        assert said.code == 1, words
        assert said.is_one_sentence, said.err
        assert f"{read_only.root}" in said.err
        assert "may not be written" in said.err
    assert read_only("status").code == 0


@pytest.mark.slow
@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_a_workspace_of_somebody_else_is_named_and_can_be_read() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        ours = f"{folder}/ours"
        for words in (["ingest", "sums", "--no-clean"], ["status"]):
            said = ended(started([*words, "--workspace", ours], before=NOBODY.format(ours=ours)))
            if "status" in words:
                assert (said.code, "sums" in said.out) == (0, True), said.err
            else:
                assert said.code == 1
                assert said.is_one_sentence, said.err
                assert f"{ours}" in said.err
                assert "may not be written" in said.err


def test_spaces_quotes_and_letters_of_any_script_are_a_place_like_any_other(cli: Cli) -> None:
    cli.root = cli.root.with_name("it's “my” wörk 目录 %41 $HOME;#&*")
    for words in (
        ("init",),
        ("ingest", "sums", "--size", "4"),
        ("status",),
        ("withdraw", "--corpus", "sums", "--reason", "moved", "--yes"),
    ):
        said = cli(*words)
        assert said.code == 0, said.err
    cli.root = cli.root.with_name("what?")
    said = cli("init")
    assert (said.code, "question mark" in said.err) == (2, True)


def test_where_files_cannot_be_locked_nothing_is_written(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    def refuses(_descriptor: int, _mode: int) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    assert cli("init").code == 0
    before = (cli.root / "catalog.duckdb").read_bytes()
    monkeypatch.setattr(fcntl, "flock", refuses)
    for words in (("ingest", "sums", "--size", "6"), ("status",)):
        said = cli(*words)
        assert said.code == 1
        assert said.is_one_sentence, said.err
        assert "cannot be locked" in said.err
        assert f"{cli.root}" in said.err
    assert (cli.root / "catalog.duckdb").read_bytes() == before
