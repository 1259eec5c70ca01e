"""Without a network every command does its work, and none even tries to reach anybody."""

import json
import os
import subprocess
import sys
from pathlib import Path

import default_commands
import pytest
from default_commands import ADDRESSES

HERE = Path(__file__).parent


def ran_without_network(root: Path, *more: str) -> tuple[dict[str, int], str, str]:
    """Run the commands; give their exit codes, who was reached for, and what they printed."""
    attempts = root / "attempts"
    root.mkdir(exist_ok=True)
    attempts.write_text("")
    done = subprocess.run(
        [sys.executable, default_commands.__file__, str(root), *more],
        env=os.environ
        | {
            "PYTHONPATH": os.pathsep.join([str(HERE / "no_network"), *sys.path]),
            "CURRICLE_TEST_ATTEMPTS": str(attempts),
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith('{"words"')]
    codes = {" ".join(one["words"]): one["code"] for one in told}
    return codes, attempts.read_text(), done.stdout + done.stderr


def test_the_commands_work_and_reach_for_nobody_whatever_addresses_a_corpus_holds(
    tmp_path: Path,
) -> None:
    codes, attempts, said = ran_without_network(tmp_path)
    assert len(codes) == len(default_commands.LIGHT), said
    assert {words: code for words, code in codes.items() if code} == {}, said
    assert f"links: 9 records, 0 new samples, 0 known already, {len(ADDRESSES)} rejected" in said
    assert attempts == ""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_scoring_training_and_measuring_work_and_reach_for_nobody(tmp_path: Path) -> None:
    from small_world import vision_policy  # takes seconds to import

    vision_policy(tmp_path / "policy")
    codes, attempts, said = ran_without_network(tmp_path, "heavy")
    assert len(codes) == len(default_commands.LIGHT + default_commands.HEAVY), said
    assert {words: code for words, code in codes.items() if code} == {}, said
    assert attempts == ""


def test_whoever_does_reach_out_is_refused_and_written_down(tmp_path: Path) -> None:
    attempts = tmp_path / "attempts"
    code = "import urllib.request as r\nr.urlopen('http://192.0.2.1/', timeout=5)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ
        | {"PYTHONPATH": str(HERE / "no_network"), "CURRICLE_TEST_ATTEMPTS": str(attempts)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Network is unreachable" in done.stderr
    assert "192.0.2.1" in attempts.read_text()
