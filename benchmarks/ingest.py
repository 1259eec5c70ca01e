"""Ingest: 20,000 records, 5,000 of them with a picture, into rows with content ids and kept media.

Every contender is a program of its own, on two cores, and does the same to each picture and
record (benchmarks/contenders/ingest.py); ours also screens, keeps sources and rejects, commits to
the catalog, and decodes in processes that a hostile file may cost. The rows are compared. The
limit reads, hashes and decodes the pictures on two threads and does nothing else. DataChain and
Data-Juicer get environments of their own (`--peers DIR` keeps them), or are left out where those
cannot be installed.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np
from measuring import finish
from PIL import Image

HERE = Path(__file__).parent
PROGRAM = HERE / "contenders" / "ingest.py"
OURS = "curricle"
NEEDED = {"datasets.map": 1 / 1.1, "loop by hand": 2.0, "DataChain": 4.0, "Data-Juicer": 10.0}
"""How many times our own time each should take at least."""
HERE_TOO = (OURS, "datasets.map", "threads by hand", "loop by hand")
"""Contenders that run in our own environment."""
PEERS = {
    "DataChain": ["datachain", "numpy", "pillow", "opencv-python-headless"],
    # Without the last ones it fails, or installs them by itself while it works.
    "Data-Juicer": ["py-data-juicer==1.6.1", "aiohttp", "opencv-python-headless", "torch"],
}
_ROWS = {
    True: """
        select s.question, s.answer->>'$.value' as answer, m.media_id, m.content_hash, m.width,
            m.height, m.phashes[1] as phash
        from db.samples s left join db.sample_media p using (sample_id)
        left join db.media m using (media_id)""",
    False: """
        select question, answer, nullif(media_id, '') as media_id,
            nullif(content_hash, '') as content_hash, nullif(width, 0) as width,
            nullif(height, 0) as height, case when media_id <> '' then phash end as phash
        from read_parquet('{out}/rows.parquet')""",
}


@dataclass
class Contender:
    """How one is started, and what its runs took."""

    name: str
    python: str = sys.executable
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    def run(self, corpus: Path, out: Path) -> None:
        """Run once, and note wall time, processor time and the most memory that it ever had."""
        environment = os.environ | {"PYTHONPATH": str(HERE.parent), "OMP_NUM_THREADS": "1"}
        command = [self.python, str(PROGRAM), self.name, str(corpus), str(out)]
        log = out.with_suffix(".log")
        started = time.perf_counter()
        with log.open("wb") as said:
            process = subprocess.Popen(command, env=environment, stdout=said, stderr=said)
            watch = _Watch(process.pid)
            _, status, used = os.wait4(process.pid, 0)
        self.seconds.append(time.perf_counter() - started)
        self.megabytes.append(watch.stop())
        self.cpu_seconds.append(used.ru_utime + used.ru_stime)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise RuntimeError(f"{self.name} failed: {log.read_text(errors='replace')[-2000:]}")


class _Watch:
    """Adds up, again and again, the memory of a process and all that came from it.

    A page that several of them share counts once (PSS).
    """

    def __init__(self, pid: int) -> None:
        self._pid, self._most, self._over = pid, 0.0, threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> float:
        self._over.set()
        self._thread.join()
        return self._most

    def _run(self) -> None:
        while not self._over.wait(0.1):
            self._most = max(self._most, sum(map(_megabytes, _family(self._pid))))


def _family(pid: int) -> Iterator[int]:
    yield pid
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                yield from _family(int(child))
    except OSError:  # it has just ended
        return


def _megabytes(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def make_corpus(root: Path, records: int) -> None:
    """Write JSON Lines; every fourth record has a small photograph of noise of its own."""
    rng = np.random.default_rng(0)
    (root / "images").mkdir(parents=True)
    with (root / "data.jsonl").open("w") as file:
        for number in range(records):
            image = f"{number}.jpg" if number % 4 == 0 else ""
            if image:
                pixels = rng.integers(0, 255, (8, 8, 3), dtype=np.uint8)
                picture = Image.fromarray(pixels).resize((224, 224), Image.Resampling.BICUBIC)
                picture.save(root / "images" / image, quality=90)
            row = {"question": f"What is {number}?", "answer": str(number), "image": image}
            file.write(json.dumps(row) + "\n")


def with_environments(folder: Path) -> list[Contender]:
    """Install the peers that conflict with ours; say which cannot be."""
    found = []
    for name, packages in PEERS.items():
        home = folder / name
        python = home / "bin" / "python"
        try:
            if not python.exists():
                subprocess.run([sys.executable, "-m", "venv", home], check=True)
            install = [sys.executable, "-m", "uv", "pip", "install", "-q", "--python", str(python)]
            subprocess.run([*install, *packages], check=True, capture_output=True, timeout=900)
            # One of them starts its workers without the environment that it was given.
            (folder_of_packages,) = home.glob("lib/python*/site-packages")
            (folder_of_packages / "curricle.pth").write_text(str(HERE.parent))
        except (subprocess.SubprocessError, OSError) as error:
            print(f"{name} is left out: its environment cannot be installed ({error})"[:300])
            continue
        found.append(Contender(name, str(python)))
    return found


def content(name: str, out: Path) -> tuple[object, ...]:
    """Sum up the rows that a contender left, so that all can be held to the same."""
    rows = _ROWS[name == OURS].format(out=out)
    with duckdb.connect() as connection:
        if name == OURS:
            connection.execute(f"attach '{out}/catalog.duckdb' as db (read_only)")
        found = connection.execute(
            "select count(*), count(media_id), bit_xor(hash(question::varchar, answer::varchar, "
            "media_id::varchar, content_hash::varchar, width::int, height::int, phash::bigint)) "
            f"from ({rows})"
        ).fetchone()
    assert found is not None
    return found


def race(contenders: list[Contender], corpus: Path, scratch: Path, rounds: int) -> None:
    """Run all in turn, `rounds` times, and check that they did the same work."""
    for number in range(rounds):
        seen: dict[str, tuple[object, ...]] = {}
        for contender in contenders:
            out = scratch / f"{contender.name.replace(' ', '-')}-{number}"
            out.mkdir()
            contender.run(corpus, out)
            if contender.name != "limit":
                seen[contender.name] = content(contender.name, out)
            shutil.rmtree(out)
        if len(set(seen.values())) > 1:
            raise AssertionError(f"the contenders did different work: {seen}")


def show(contenders: list[Contender]) -> None:
    """Print the table, and as the last line the ratios to ours."""
    ours = next(c for c in contenders if c.name == OURS)
    base, memory = statistics.median(ours.seconds), statistics.median(ours.megabytes)
    print(
        f"{'contender':16}{'median s':>10}{'/ ours':>9}{'needed':>9}{'CPU s':>9}{'MB':>8}{'/ ours':>9}"
    )
    figures: dict[str, object] = {}
    for c in contenders:
        seconds, most = statistics.median(c.seconds), statistics.median(c.megabytes)
        needed = f"{NEEDED[c.name]:.2f}" if c.name in NEEDED else ""
        print(
            f"{c.name:16}{seconds:10.2f}{seconds / base:9.2f}{needed:>9}"
            f"{statistics.median(c.cpu_seconds):9.2f}{most:8.0f}{most / memory:9.2f}"
        )
        if c is not ours:
            figures[f"{c.name}/ours"] = round(seconds / base, 3)
            figures[f"memory: ours/{c.name}"] = round(memory / most, 3)
    finish("ingest", figures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, one round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peers", type=Path, help="folder for the environments of the peers")
    parser.add_argument("--no-peers", action="store_true", help="only what needs no environment")
    options = parser.parse_args()
    scratch = Path(tempfile.mkdtemp())
    try:
        make_corpus(scratch / "corpus", 2_000 if options.quick else 20_000)
        contenders = [Contender(name) for name in HERE_TOO]
        if not (options.quick or options.no_peers):
            contenders += with_environments((options.peers or scratch / "peers").absolute())
        contenders.append(Contender("limit"))
        race(contenders, scratch / "corpus", scratch, 1 if options.quick else options.rounds)
        show(contenders)
    finally:
        shutil.rmtree(scratch)


if __name__ == "__main__":
    main()
