"""Roll-outs: what scoring costs beside the bare model calls, in process and over HTTP.

In process: 1,000 samples are scored through a job, one fixed block each, into a catalog. Bare is
`model.generate` again with the very inputs and random states of that job, so both draw the same
tokens. Our own CPU time is what the job spends outside of `generate`: rendering, encoding,
reading, grading, committing. Once with the tiny policy (a third of the samples have pictures),
once with a random network of 41 million weights on text. Over HTTP: the `openai` back-end beside
a plain concurrent httpx client that sends as many requests of the same size, to a real
`transformers serve` and to a server that answers at once.
"""

import argparse
import asyncio
import hashlib
import json
import multiprocessing
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import torch
from measuring import Timed, finish, interleaved
from transformers import Qwen3Config, Qwen3ForCausalLM

from pipelines.corpora.registry import CORPORA
from pipelines.ingest import ingest
from pipelines.policies.checkpoint import CheckpointPolicy
from pipelines.policies.policy import Request, Sampling
from pipelines.policies.served import ServedPolicy
from pipelines.policies.templates import TEMPLATES
from pipelines.quiet import library_defaults
from pipelines.scoring.ask import Asker
from pipelines.scoring.evidence import StoppingRule
from pipelines.scoring.pass_rate import PassRateJob
from pipelines.workspace import Workspace
from train.tiny import build_tiny
from train.tiny.model import CHAT_TEMPLATE, LONGEST, new_tokenizer
from train.tiny.warm_up import demo_samples

CONCURRENCY = 32
SAMPLING = Sampling(max_tokens=24)


def network(folder: Path) -> Path:
    """Write a random text-only network of 41 million weights."""
    tokenizer = new_tokenizer()
    tokenizer.chat_template = CHAT_TEMPLATE
    torch.manual_seed(0)
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(tokenizer),
            hidden_size=512,
            intermediate_size=1536,
            num_hidden_layers=12,
            num_attention_heads=8,
            num_key_value_heads=8,
            head_dim=64,
            max_position_embeddings=LONGEST,
            pad_token_id=tokenizer.pad_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@dataclass(frozen=True)
class Work:
    """How much is done, and how often."""

    samples: int
    answers: int
    rounds: int

    @property
    def rollouts(self) -> int:
        return self.samples * self.answers


@dataclass
class Recorded:
    """The calls that a job made of a model, to be made again without the job."""

    policy: CheckpointPolicy
    calls: list[tuple[torch.Tensor, dict[str, Any]]] = field(default_factory=list)
    digest: Any = None
    beside: list[float] = field(default_factory=list)
    """CPU seconds of each job outside the model's calls."""
    _inside: float = 0.0

    def __post_init__(self) -> None:
        self._generate = self.policy.model.generate
        self.policy.model.generate = self._watched

    def _watched(self, **inputs: Any) -> torch.Tensor:
        self.calls.append((torch.get_rng_state(), inputs))
        started = time.process_time()
        output = self._noted(self._generate(**inputs))
        self._inside += time.process_time() - started
        return output

    def _noted(self, output: torch.Tensor) -> torch.Tensor:
        self.digest.update(output.numpy().tobytes())
        return output

    @contextmanager
    def job(self) -> Iterator[None]:
        """Record one job: difference within a run, since a busy machine sways runs apart."""
        self.calls, self.digest, self._inside = [], hashlib.sha256(), 0.0
        started = time.process_time()
        yield
        self.beside.append(time.process_time() - started - self._inside)

    @torch.inference_mode()
    def again(self) -> str:
        self.digest = hashlib.sha256()
        for state, inputs in self.calls:
            torch.set_rng_state(state)
            self._noted(self._generate(**inputs))
        return str(self.digest.hexdigest())


def ingested(root: Path, sizes: dict[str, int]) -> Workspace:
    workspace = Workspace(root)
    for corpus, size in sizes.items():
        ingest(workspace, CORPORA[corpus], None, options={"size": size, "held_out": 0})
    return workspace


def score(recorded: Recorded, source: Path, work: Work) -> str:
    """Score a copy of the workspace that holds no evidence yet."""
    root = Path(tempfile.mkdtemp())
    try:
        workspace = Workspace(Path(shutil.copytree(source, root / "workspace")))
        asker = Asker(recorded.policy, TEMPLATES["plain"], SAMPLING, workspace.media.read)
        rows = workspace.catalog.rows(
            "select sample_id from samples order by 1 limit ?", work.samples
        )
        rule = StoppingRule(block=work.answers, cap=work.answers)
        job = PassRateJob(workspace.catalog, asker, rule, batch=128)
        with recorded.job():
            done = job.run([row["sample_id"] for row in rows])
        if done.rollouts != work.rollouts:
            raise AssertionError(f"{done.rollouts} rollouts where {work.rollouts} were to be made")
    finally:
        shutil.rmtree(root)
    return str(recorded.digest.hexdigest())


def in_process(name: str, policy: CheckpointPolicy, source: Path, work: Work) -> dict[str, float]:
    recorded = Recorded(policy)
    job = partial(score, recorded, source, work)
    job()  # Threads, caches and kernels are warm from here on.
    timed = interleaved({"curricle": job, "bare generate": recorded.again}, work.rounds)
    ours, bare = timed["curricle"], timed["bare generate"]
    cpu = statistics.median(recorded.beside[1:])
    print(f"\n{name}: {work.samples:,} samples, {work.rollouts:,} rollouts of up to 24 tokens")
    table(timed, work.rollouts)
    return {
        f"{name}: our CPU ms/rollout": round(1000 * cpu / work.rollouts, 2),
        f"{name}: wall, ours/bare": round(ours.median / bare.median, 3),
    }


def table(timed: dict[str, Timed], count: int) -> None:
    print(f"{'contender':28}{'median s':>10}{'CPU s':>8}{'a second':>10}")
    for key, t in timed.items():
        cpu = statistics.median(t.cpu_seconds)
        print(f"{key:28}{t.median:10.2f}{cpu:8.2f}{count / t.median:10.0f}")


def over_http(name: str, address: str, model: str, count: int, rounds: int) -> dict[str, float]:
    policy = ServedPolicy(address, model, concurrency=CONCURRENCY)
    sampling = Sampling(max_tokens=16)
    questions = [f"{i} + {i + 1}" for i in range(count)]

    def ours() -> int:
        requests = [
            Request([{"role": "user", "content": [{"type": "text", "text": question}]}])
            for question in questions
        ]
        answers = policy.sample(requests, sampling, 0)
        return sum(not completion.problem for (completion,) in answers)

    def plain() -> int:
        return asyncio.run(plain_client(address, policy.met.identity.model, questions))

    plain()
    timed = interleaved({"curricle": ours, "plain httpx client": plain}, rounds)
    mine, theirs = timed["curricle"], timed["plain httpx client"]
    print(f"\n{name}: {count:,} requests, {CONCURRENCY} at once (CPU of the client)")
    table(timed, count)
    cpu = statistics.median(mine.cpu_seconds) - statistics.median(theirs.cpu_seconds)
    return {
        f"{name}: throughput, ours/plain": round(theirs.median / mine.median, 3),
        f"{name}: our CPU ms/request": round(1000 * statistics.median(mine.cpu_seconds) / count, 2),
        f"{name}: beyond the plain client": round(1000 * cpu / count, 2),
    }


async def plain_client(address: str, model: str, questions: list[str]) -> int:
    """What a person would write: the same requests, as many at once, no retry and no check."""
    slots = asyncio.Semaphore(CONCURRENCY)
    async with httpx.AsyncClient(base_url=address, timeout=300, trust_env=False) as client:

        async def ask(question: str, seed: int) -> bool:
            body = {
                "model": model,
                "messages": [{"role": "user", "content": question}],
                "max_tokens": 16,
                "temperature": 1.0,
                "top_p": 1.0,
                "seed": seed,
            }
            async with slots:
                response = await client.post("/chat/completions", json=body)
            return bool(response.json()["choices"][0]["finish_reason"])

        return sum(await asyncio.gather(*(ask(q, i) for i, q in enumerate(questions))))


@contextmanager
def transformers_serve(folder: Path) -> Iterator[str]:
    """Serve a checkpoint on loopback until the end of the block."""
    port = free_port()
    cache = Path(tempfile.mkdtemp())
    (cache / "hub").mkdir()
    words = [str(Path(sys.executable).parent / "transformers"), "serve", str(folder)]
    words += ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    process = subprocess.Popen(
        words,
        env=os.environ | {"HF_HOME": str(cache), "HF_HUB_OFFLINE": "1"},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(cache)


@contextmanager
def instant_server() -> Iterator[str]:
    """A server in a process of its own that answers every request at once."""
    port = free_port()
    process = multiprocessing.get_context("spawn").Process(target=answer_at_once, args=(port,))
    process.start()
    try:
        wait_for(f"http://127.0.0.1:{port}/v1/models")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.kill()
        process.join()


def answer_at_once(port: int) -> None:
    message = {"role": "assistant", "content": "1\n2\n=3"}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    usage = {"prompt_tokens": 9, "completion_tokens": 6}
    chat = json.dumps({"model": "instant", "choices": [choice], "usage": usage}).encode()
    models = json.dumps({"data": [{"id": "instant"}]}).encode()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = next(
                    (
                        int(h[15:])
                        for h in head.lower().split(b"\r\n")
                        if h[:15] == b"content-length:"
                    ),
                    0,
                )
                await reader.readexactly(length)
                said = models if head.startswith(b"GET") else chat
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(said) + said)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def forever() -> None:
        async with await asyncio.start_server(serve, "127.0.0.1", port) as server:
            await server.serve_forever()

    asyncio.run(forever())


def wait_for(url: str) -> None:
    until = time.monotonic() + 120
    while True:
        try:
            httpx.get(url, trust_env=False)
        except httpx.TransportError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def main() -> None:
    if "OMP_WAIT_POLICY" not in os.environ:
        # Read when torch is loaded, which is before this line: begin once more.
        library_defaults()
        os.execv(sys.executable, [sys.executable, *sys.argv])
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, one round")
    quick = parser.parse_args().quick
    work = Work(100, 2, 1) if quick else Work(1_000, 4, 3)
    # One round of a large network is long enough to be even.
    large_work = Work(60, 1, 1) if quick else Work(400, 1, 1)
    # A real server on two cores answers a few requests a second.
    served = 40 if quick else 200
    root, figures = Path(tempfile.mkdtemp()), dict[str, float]()
    try:
        both = ingested(root / "both", {"sums": work.samples, "digits": work.samples // 2})
        text = ingested(root / "text", {"sums": 2 * large_work.samples})
        tiny = build_tiny(root / "tiny", list(demo_samples(0, size=170)), steps=6)
        figures |= in_process("tiny", CheckpointPolicy(tiny), both.root, work)
        large = CheckpointPolicy(network(root / "network"))
        figures |= in_process("41M", large, text.root, large_work)
        with transformers_serve(tiny) as address:
            figures |= over_http("served", address, str(tiny), served, work.rounds)
        with instant_server() as address:
            figures |= over_http("instant", address, "instant", 10 * work.samples, work.rounds)
    finally:
        shutil.rmtree(root)
    finish("rollouts", figures)


if __name__ == "__main__":
    main()
