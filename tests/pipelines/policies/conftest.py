"""A tiny policy behind a real server: `transformers serve`, started once and ended at the end."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest


@dataclass(frozen=True)
class Served:
    """A checkpoint folder and where it is served."""

    folder: Path
    address: str


@pytest.fixture(scope="session")
def served_tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The tiny policy with a few warm-up steps, behind `transformers serve` on loopback."""
    from train.tiny import build_tiny
    from train.tiny.warm_up import demo_samples

    base = tmp_path_factory.mktemp("served")
    folder = build_tiny(base / "tiny", list(demo_samples(0, size=170)), steps=6)
    port, log = _free_port(), base / "serve.log"
    # Without a cache folder, listing the models is a server error.
    (base / "cache" / "hub").mkdir(parents=True)
    words = [str(Path(sys.executable).parent / "transformers"), "serve", str(folder)]
    words += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    environment = os.environ | {"HF_HOME": str(base / "cache"), "OMP_NUM_THREADS": "1"}
    with log.open("w") as file:
        process = subprocess.Popen(
            words, env=environment, stdout=file, stderr=file, start_new_session=True
        )
    try:
        _await(f"http://127.0.0.1:{port}/health", process, log)
        yield Served(folder, f"http://127.0.0.1:{port}/v1")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(base / "cache")


def _await(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        try:
            if httpx.get(url, trust_env=False).is_success:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise RuntimeError(f"`transformers serve` did not start:\n{log.read_text()[-2000:]}")


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port
