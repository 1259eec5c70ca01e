"""What the tests of faults share: commands, and a disk so small that it is full at once."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from commands import Cli
from small_disk import SmallDisk


@pytest.fixture
def cli(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Cli:
    return Cli(tmp_path / "w", capsys)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    root = tmp_path / "disk"
    root.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "none", root], capture_output=True, check=False
    )
    if made.returncode:
        pytest.skip("this user may not mount a file system, so none can be filled")
    yield SmallDisk(root)
    subprocess.run(["umount", "--lazy", root], check=True)
