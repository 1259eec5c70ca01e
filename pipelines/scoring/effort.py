"""What searches found, as rows: graded answers, the effort of each search, and its nodes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipelines.catalog.catalog import now
from pipelines.catalog.evidence import Rollout, evidence_tables
from pipelines.catalog.ledger import Unit
from pipelines.record.canonical import canonical_json
from pipelines.record.sample import Sample
from pipelines.scoring.advance import Heard
from pipelines.scoring.ask import Asker
from pipelines.scoring.journal import GROUP_ATTEMPT
from pipelines.scoring.live import Judged, LiveSearch
from pipelines.scoring.tree import SearchRule

_WHO = ("origin", "sample_id", "policy_id", "template_id", "sampling_id", "reward_id")

EFFORT_SCHEMA = pa.schema(
    [
        ("unit_id", pa.string()),
        ("attempt", pa.int32()),
        *((name, pa.string()) for name in _WHO),
        ("solved", pa.bool_()),
        *((name, pa.int32()) for name in ("first_success", "iterations", "model_calls")),
        ("completion_tokens", pa.int64()),
        *((name, pa.int32()) for name in ("nodes", "unscored")),
        *((name, pa.string()) for name in ("mode", "problem", "config")),
        ("created_at", pa.timestamp("us")),
    ]
)
NODE_SCHEMA = pa.schema(
    [
        ("unit_id", pa.string()),
        ("attempt", pa.int32()),
        *((name, pa.string()) for name in (*_WHO, "prefix")),
        *((name, pa.int32()) for name in ("depth", "visits")),
        ("value_sum", pa.float64()),
        ("terminal", pa.bool_()),
    ]
)


@dataclass
class Findings:
    """What a group found since it was last stored."""

    asker: Asker
    rule: SearchRule
    group: Unit
    heard: list[Heard] = field(default_factory=list)
    rollouts: list[Rollout] = field(default_factory=list)
    ended: list[LiveSearch] = field(default_factory=list)

    def note(self, heard: Sequence[Heard]) -> None:
        """Keep what was heard in one call, and the answers that were judged upon it."""
        self.heard += heard
        for one in heard:
            for judged in one.search.take_judged():
                self.rollouts.append(self._rollout(one.search.sample, judged))

    def tables(self) -> dict[str, pa.Table]:
        """Give the rows by the name of the table they go into."""
        tables = evidence_tables(self.rollouts, self.group.unit_id, GROUP_ATTEMPT)
        efforts = [self._effort(search) for search in self.ended]
        tables["searches"] = pa.Table.from_pylist(efforts, EFFORT_SCHEMA)
        # Until its first success a search has only zeros to tell of the nodes.
        tellers = self.ended if self.rule.mode == "value" else []
        nodes = [node for search in tellers for node in self._nodes(search)]
        tables["search_nodes"] = pa.Table.from_pylist(nodes, NODE_SCHEMA)
        return tables

    def forget(self) -> None:
        """Start afresh: what there was is stored."""
        self.heard, self.rollouts, self.ended = [], [], []

    def _rollout(self, sample: Sample, judged: Judged) -> Rollout:
        inputs: Any = self.group.inputs
        return self.asker.rollout(
            sample,
            judged.answer,
            judged.score,
            purpose="search",
            origin=self.group.job,
            round=self.group.round,
            k=judged.k,
            seed=inputs["seed"],
        )

    def _who(self, search: LiveSearch) -> dict[str, object]:
        return {
            "unit_id": self.group.unit_id,
            "attempt": GROUP_ATTEMPT,
            "origin": self.group.job,
            "sample_id": search.sample.sample_id,
            "policy_id": self.asker.policy.policy_id,
            "template_id": self.asker.template.template_id,
            "sampling_id": self.asker.sampling.sampling_id,
            "reward_id": self.asker.reward_id(search.sample),
        }

    def _effort(self, search: LiveSearch) -> dict[str, object]:
        tree = search.tree
        return self._who(search) | {
            "solved": None if search.problem else tree.first_success is not None,
            "first_success": tree.first_success,
            "iterations": tree.iterations,
            "model_calls": tree.model_calls,
            "completion_tokens": search.tokens,
            "nodes": sum(1 for _ in tree.nodes()),
            "unscored": tree.unscored,
            "mode": self.rule.mode,
            "problem": search.problem or None,
            "config": canonical_json(rule_as_json(self.rule)),
            "created_at": now(),
        }

    def _nodes(self, search: LiveSearch) -> Sequence[dict[str, object]]:
        who = self._who(search)
        return [
            who
            | {
                "prefix": node.text,
                "depth": node.depth,
                "visits": node.visits,
                "value_sum": node.value_sum,
                "terminal": node.terminal,
            }
            for node in search.tree.nodes()
            if node.visits
        ]


def rule_as_json(rule: SearchRule) -> dict[str, str]:
    """Give the form of a rule that is stored and hashed."""
    return {name: str(value) for name, value in rule.model_dump().items()}
