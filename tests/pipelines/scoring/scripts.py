"""Samples and scripted policies for the scoring tests."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pipelines.catalog.samples import add_samples
from pipelines.policies.policy import Request, Sampling
from pipelines.policies.scripted import Script, ScriptedPolicy
from pipelines.policies.templates import TEMPLATES
from pipelines.record.sample import Answer, Sample, ask
from pipelines.scoring.ask import Asker
from pipelines.workspace import Workspace


def sums(count: int) -> list[Sample]:
    """Make questions `i+1` with the answer i + 1."""
    return [
        Sample(
            prompt=ask(f"{i}+1"),
            answer=Answer.number(i + 1),
            task="sums/add",
            corpus="sums",
            source_ref=f"train/{i}",
        )
        for i in range(count)
    ]


def filled(workspace: Workspace, count: int) -> list[str]:
    """Put questions into the catalog and give their ids, in the order of their numbers."""
    samples = sums(count)
    with workspace.catalog.write() as connection:
        add_samples(connection, samples)
    return [sample.sample_id for sample in samples]


def number_of(request: Request) -> int:
    """Which question this is."""
    return int(request.messages[-1]["content"][0]["text"].split("+")[0])


def sometimes(rates: Sequence[float]) -> Script:
    """Answer question i right with probability rates[i], after one line of work."""

    def script(request: Request, k: int, seed: int) -> str:
        number = number_of(request)
        draw = np.random.default_rng([seed, k, number]).random()
        whole = f"{number}\n={number + 1 if draw < rates[number] else -7}"
        return whole.removeprefix(request.prefix)

    return script


def asker(workspace: Workspace, script: Script, name: str = "scripted") -> Asker:
    """A scripted policy, asked plainly."""
    sampling = replace(Sampling(), max_tokens=40)
    return Asker(ScriptedPolicy(script, name), TEMPLATES["plain"], sampling, workspace.media.read)


def stepwise(rates: Sequence[float]) -> Script:
    """Answer question i right with probability rates[i], after three lines that say nothing."""

    def script(request: Request, k: int, seed: int) -> str:
        number = number_of(request)
        rng = np.random.default_rng([seed, k, number])
        done = request.prefix.count("\n")
        lines = "".join(f"{rng.integers(9)}\n" for _ in range(3 - done))
        right = rng.random() < rates[number]
        return f"{lines}={number + 1 if right else -rng.integers(1, 9)}"

    return script


def tables(workspace: Workspace) -> list[list[tuple[object, ...]]]:
    """All that a search leaves, but for when and at which attempt it was stored."""
    left = {
        "rollouts": "* exclude (created_at)",
        "grades": "*",
        "searches": "* exclude (created_at)",
        "search_nodes": "*",
        "search_replies": "*",
    }
    return [
        [
            tuple(row.values())
            for row in workspace.catalog.rows(f"select {columns} from {table} order by all")
        ]
        for table, columns in left.items()
    ]
