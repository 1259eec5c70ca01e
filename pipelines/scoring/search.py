"""Tree search over many samples at once: all trees advance together, their questions batched.

A unit of work is a batch of trees. Every answer that a tree judged is stored as a rollout with
purpose `search`; the effort goes into `searches`, solved or not.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.catalog import ledger
from pipelines.catalog.catalog import Catalog, now
from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.ledger import Unit
from pipelines.catalog.samples import load_samples
from pipelines.policies.policy import Completion, Request, Sampling
from pipelines.policies.render import render
from pipelines.record.canonical import Json, canonical_json, content_hash
from pipelines.record.sample import Sample
from pipelines.rewards import Score, grade, reward_for
from pipelines.scoring.ask import Asker
from pipelines.scoring.tree import STEP_END, Ask, Found, Search, SearchRule, search
from pipelines.workspace import Progress, silent

SEARCHED = """
select distinct sample_id from search_effort s
where policy_id = $policy and template_id = $template and sampling_id = $sampling
"""


@dataclass(frozen=True, slots=True)
class SearchSummary:
    """What a search job did."""

    job: str
    samples: int
    searched: int
    solved: int
    model_calls: int
    completion_tokens: int


@dataclass
class _Tree:
    """A search under way, with what it has cost and judged."""

    sample: Sample
    request: Request
    steps: Search = field(repr=False)
    ask: Ask | None = None
    found: Found | None = None
    tokens: int = 0
    last: Completion | None = None
    judged: list[tuple[Completion, Score]] = field(default_factory=list)

    def is_right(self, answer: str) -> bool:
        """Grade a whole answer and remember it."""
        score = grade(self.sample.answer, answer)
        if self.last is not None:
            self.judged.append((replace(self.last, text=answer), score))
        return score.correct is True

    def start(self) -> None:
        """Run up to the first question."""
        self.ask = next(self.steps)

    def hear(self, completions: Sequence[Completion]) -> None:
        """Take the answers to the question that is open, and go on to the next one."""
        self.tokens += sum(completion.completion_tokens for completion in completions)
        self.last = completions[-1]
        try:
            self.ask = self.steps.send([completion.text for completion in completions])
        except StopIteration as stop:
            self.ask, self.found = None, stop.value


@dataclass(frozen=True)
class SearchJob:
    """One policy searching for the answers to some samples."""

    catalog: Catalog
    asker: Asker
    rule: SearchRule
    seed: int = 0
    batch: int = 64
    """Trees that advance together in one unit of work."""

    @property
    def job(self) -> str:
        """Deterministic: who is asked, how, and with which rule and seed."""
        rule = {name: str(value) for name, value in self.rule.model_dump().items()}
        return content_hash(["search", self.asker.identity, rule, self.seed, self.batch])

    def run(self, sample_ids: Sequence[str], progress: Progress = silent) -> SearchSummary:
        """Search every sample that this policy has not been searched for yet."""
        with self.catalog.write() as connection:
            self.asker.introduce(connection)
        units = ledger.pending(self.catalog, self.job)
        planned = {key for unit in units for key in unit.inputs["samples"]}  # type: ignore
        fresh = [key for key in self.unsearched(sample_ids) if key not in planned]
        units += self._plan(fresh)
        total = sum(len(unit.inputs["samples"]) for unit in units)  # type: ignore
        trees: list[_Tree] = []
        for unit in units:
            trees += self._run_unit(unit)
            progress("trees", len(trees), total)
        found = [tree.found for tree in trees if tree.found]
        return SearchSummary(
            job=self.job,
            samples=len(set(sample_ids)),
            searched=len(found),
            solved=sum(f.first_success is not None for f in found),
            model_calls=sum(f.model_calls for f in found),
            completion_tokens=sum(tree.tokens for tree in trees),
        )

    def unsearched(self, sample_ids: Sequence[str]) -> list[str]:
        """Which of these samples this policy has not been searched for yet."""
        with self.catalog.read() as connection:
            rows = connection.execute(SEARCHED, self.asker.asked).fetchall()
        done = {row[0] for row in rows}
        return [key for key in sorted(set(sample_ids)) if key not in done]

    def _plan(self, ids: Sequence[str]) -> list[Unit]:
        number = ledger.next_round(self.catalog, self.job)
        units = []
        for batch in range(math.ceil(len(ids) / self.batch)):
            chunk = ids[batch * self.batch : (batch + 1) * self.batch]
            seed = int(content_hash([self.job, number, batch])[:8], 16)
            inputs: Json = {"samples": chunk, "seed": seed}
            units.append(
                Unit(job=self.job, kind="search", round=number, batch=batch, inputs=inputs)
            )
        with self.catalog.write() as connection:
            ledger.plan(connection, units)
        return units

    def _run_unit(self, unit: Unit) -> list[_Tree]:
        inputs: Any = unit.inputs
        samples = load_samples(self.catalog, inputs["samples"])
        with self.catalog.write() as connection:
            attempt = ledger.begin(connection, unit.unit_id)
        trees = [self._tree(sample, inputs["seed"], i) for i, sample in enumerate(samples)]
        advance(trees, self.asker, inputs["seed"])
        rollouts = [row for tree in trees for row in self._rollouts(tree, unit, inputs["seed"])]
        tables = evidence_tables(rollouts, unit.unit_id, attempt)
        tables["searches"] = self._effort(trees, unit, attempt)
        with self.catalog.write() as connection:
            kept = ledger.commit(connection, unit.unit_id, attempt, tables)
        return trees if kept else []

    def _tree(self, sample: Sample, seed: int, number: int) -> _Tree:
        asker = self.asker
        request = render(sample, asker.template, asker.read, asker.policy.takes)
        rng = np.random.default_rng([seed, number])
        tree: _Tree

        def is_right(answer: str) -> bool:
            return tree.is_right(answer)

        tree = _Tree(sample, request, search(self.rule, is_right, rng))
        return tree

    def _rollouts(self, tree: _Tree, unit: Unit, seed: int) -> list[Rollout]:
        return [
            self.asker.rollout(
                tree.sample,
                completion,
                score,
                purpose="search",
                origin=self.job,
                round=unit.round,
                k=k,
                seed=seed,
            )
            for k, (completion, score) in enumerate(tree.judged)
        ]

    def _effort(self, trees: Sequence[_Tree], unit: Unit, attempt: int) -> pa.Table:
        rule = {name: str(value) for name, value in self.rule.model_dump().items()}
        rows = []
        for tree in trees:
            assert tree.found is not None
            rows.append(
                {
                    "unit_id": unit.unit_id,
                    "attempt": attempt,
                    "origin": self.job,
                    "sample_id": tree.sample.sample_id,
                    "policy_id": self.asker.policy.policy_id,
                    "template_id": self.asker.template.template_id,
                    "sampling_id": self.asker.sampling.sampling_id,
                    "reward_id": reward_for(tree.sample.answer).reward_id,
                    "solved": tree.found.first_success is not None,
                    "first_success": tree.found.first_success,
                    "iterations": tree.found.iterations,
                    "model_calls": tree.found.model_calls,
                    "completion_tokens": tree.tokens,
                    "nodes": tree.found.nodes,
                    "config": canonical_json(rule),
                    "created_at": now(),
                }
            )
        table = pa.Table.from_pylist(rows)
        number = table.schema.get_field_index("first_success")
        return table.set_column(number, "first_success", table["first_success"].cast(pa.int32()))


def advance(trees: Sequence[_Tree], asker: Asker, seed: int) -> None:
    """Run all trees to their ends; each turn is at most two calls to the policy."""
    step = replace(asker.sampling, stop=(*asker.sampling.stop, STEP_END))
    for tree in trees:
        tree.start()
    turn = 0
    while waiting := [tree for tree in trees if tree.ask is not None]:
        for kind, sampling in (("step", step), ("rollout", asker.sampling)):
            asking = [tree for tree in waiting if tree.ask is not None and tree.ask.kind == kind]
            _hear(asking, asker, sampling, seed + 2 * turn + (kind == "rollout"))
        turn += 1


def _hear(trees: Sequence[_Tree], asker: Asker, sampling: Sampling, seed: int) -> None:
    if not trees:
        return
    asks = [tree.ask for tree in trees]
    requests = [
        replace(tree.request, prefix=ask.prefix, n=ask.n)
        for tree, ask in zip(trees, asks, strict=True)
        if ask is not None
    ]
    answers = asker.policy.sample(requests, sampling, seed)
    for tree, completions in zip(trees, answers, strict=True):
        tree.hear(completions)
