"""The local engine: order kept, nothing lost but what breaks its process, no process left over."""

import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import engine_work
import pytest
from engine_work import Batch, doubled, hostile, odd, once_killed, pids, slow_pids

from pipelines.engine import Engine, Here, LocalEngine

TWO = LocalEngine(2)


def flat(engine: Engine, function: object, batches: list[Batch]) -> list[int | str]:
    results = engine.map(function, batches, odd)  # type: ignore[arg-type]
    return [item for result in results for item in result]


def alive(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def wait_until_dead(pid: int) -> None:
    for _ in range(400):
        if not alive(pid):
            return
        time.sleep(0.05)
    raise AssertionError(f"worker {pid} outlived its parent")


@pytest.mark.parametrize("engine", [TWO, Here()])
def test_results_come_in_the_order_of_the_batches(engine: Engine) -> None:
    batches: list[Batch] = [[i, i + 1] for i in range(0, 40, 2)]
    assert flat(engine, doubled, batches) == [2 * i for i in range(40)]
    assert flat(engine, doubled, []) == []


@pytest.mark.parametrize(
    ("word", "how"),
    [
        ("segfault", "ended its process (-11)"),
        ("killed", "was killed"),
        ("hang", "took too long"),
        ("memory", "took too much memory"),
    ],
)
def test_only_the_item_that_breaks_its_process_is_lost(word: str, how: str) -> None:
    got = flat(TWO, hostile, [[1, 2], [3, word, 4], [5]])
    assert [item for item in got if isinstance(item, int)] == [2, 4, 6, 8, 10]
    (lost,) = [item for item in got if isinstance(item, str)]
    assert lost.startswith(f"{word} {how}")


def test_a_worker_that_somebody_kills_loses_nothing(tmp_path: Path) -> None:
    work = partial(once_killed, mark=str(tmp_path / "killed"))
    assert flat(TWO, work, [[1, 2], [3, 4], [5]]) == [2, 4, 6, 8, 10]


def test_a_mistake_in_the_function_is_shown_and_the_engine_works_on() -> None:
    with pytest.raises(ValueError, match="the function has a mistake"):
        flat(TWO, hostile, [[1], ["error"], [2], [3]])
    assert flat(TWO, doubled, [[1]]) == [2]


def test_workers_stay_for_the_next_call_and_a_walk_that_is_left_early_stops() -> None:
    before = set(flat(TWO, slow_pids, [[1], [2], [3], [4]]))
    results = TWO.map(pids, ([i] for i in range(1000)), odd)
    assert set(next(results)) <= before
    results.close()  # type: ignore[attr-defined]
    assert set(flat(TWO, slow_pids, [[1], [2]])) <= before


def test_a_fork_does_not_take_the_workers_along() -> None:
    before = flat(TWO, pids, [[1]])
    child = os.fork()
    if not child:
        code = 1
        try:
            code = 0 if flat(LocalEngine(1), doubled, [[1]]) == [2] else 1
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    assert alive(int(before[0]))
    assert flat(TWO, doubled, [[4]]) == [8]


SCRIPT = """
import signal, sys
# What starts the tests may have interrupts ignored, and so would all that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.path[:0] = {paths!r}
from engine_work import doubled, odd, slow_pids
from pipelines.engine import LocalEngine
if __name__ == "__main__":
    found = LocalEngine(2).map(slow_pids, [[i] for i in range({batches})], odd)
    print(*{{pid for pids in found for pid in pids}} if {batches} < 9 else next(found), flush=True)
    list(found)
"""


def script(tmp_path: Path, batches: int) -> "subprocess.Popen[str]":
    paths = [str(Path(engine_work.__file__).parent), str(Path(__file__).parents[2])]
    file = tmp_path / "script.py"
    file.write_text(SCRIPT.format(paths=paths, batches=batches))
    return subprocess.Popen(
        [sys.executable, str(file)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_program_that_ends_leaves_no_worker_and_says_nothing(tmp_path: Path) -> None:
    process = script(tmp_path, 4)
    out, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")
    for pid in out.split():
        wait_until_dead(int(pid))


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_workers_end_with_a_program_that_is_killed_or_interrupted(
    tmp_path: Path, how: signal.Signals
) -> None:
    process = script(tmp_path, 1000)
    assert process.stdout is not None
    (worker,) = map(int, process.stdout.readline().split())
    process.send_signal(how)
    assert process.wait(timeout=60) == -how
    wait_until_dead(worker)
