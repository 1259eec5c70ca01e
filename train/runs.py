"""A run as the catalog knows it: what it is, where it lies, and how far it got."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from platform import python_version

import pyarrow as pa

from pipelines.catalog import Catalog
from pipelines.catalog.catalog import now
from pipelines.catalog.ledger import append_new
from pipelines.policies.templates import PromptTemplate
from pipelines.record.canonical import content_hash
from train.checkpoints import FINAL
from train.config import TrainConfig

_STEPS = """
select count(*)::integer as steps, avg(t.zero_advantage_share) as zero_advantage_share
from train_steps t join units u using (unit_id)
where t.run_id = ? and t.attempt = u.attempt
"""


ENDED = ("done", "halted")
"""How a run that is over may have ended; one that `failed` or was `stopped` can go on."""
DECIDING = ("curricle", "torch", "transformers", "trl", "accelerate", "peft", "numpy")
"""Packages whose version may change what a run comes to."""


def environment(processes: int) -> dict[str, str | int]:
    """What a run ran on."""
    known: dict[str, str | int] = {"processes": processes, "python": python_version()}
    for name in DECIDING:
        with suppress(PackageNotFoundError):
            known[name] = version(name)
    return known


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One policy trained on one dataset version with one configuration."""

    dataset: str
    version: int
    manifest_hash: str
    policy_id: str
    template: PromptTemplate
    config: TrainConfig
    root: Path
    """Where runs lie."""
    reward_ids: tuple[str, ...] = ()
    """Who grades its answers."""
    of_task: Mapping[str, PromptTemplate] = field(default_factory=dict)
    """Templates of the tasks that are asked otherwise than the rest."""

    @property
    def run_id(self) -> str:
        """Deterministic, so that the same command finds the run again."""
        return content_hash(
            [
                *("train", self.manifest_hash, self.policy_id, self.template.template_id),
                self.config.identity,
                self.reward_ids,
                # Only where there are any, so that other runs keep their names.
                *([asked] if (asked := self._asked_otherwise()) else ()),
            ]
        )

    def _asked_otherwise(self) -> dict[str, str]:
        templates = self.of_task.items()
        return {task: t.template_id for task, t in templates if t != self.template}

    @property
    def folder(self) -> Path:
        """Its checkpoints, its parts and, at the end, the trained policy."""
        return self.root / self.run_id

    @property
    def final(self) -> Path:
        """The trained policy, once there is one."""
        return self.folder / FINAL

    def is_done(self, catalog: Catalog) -> bool:
        """Whether it was trained to its end and still lies there."""
        rows = catalog.rows("select status from runs where run_id = ?", self.run_id)
        return bool(rows) and rows[0]["status"] in ENDED and self.final.is_dir()

    def begin(self, catalog: Catalog, processes: int = 1) -> None:
        """Write the run down as under way."""
        row = {
            "run_id": self.run_id,
            "dataset": self.dataset,
            "version": self.version,
            "policy_id": self.policy_id,
            "template_id": self.template.template_id,
            "seed": self.config.seed,
            "config": self.config.model_dump_json(),
            "path": f"{self.root.name}/{self.run_id}",
            "environment": json.dumps(environment(processes), sort_keys=True),
            "started_at": now(),
        }
        with catalog.write() as connection:
            append_new(connection, "runs", pa.Table.from_pylist([row]), key="run_id")
            connection.execute(
                "update runs set status = 'running', ended_at = null where run_id = ?",
                [self.run_id],
            )

    def end(self, catalog: Catalog, status: str, trained_policy_id: str | None = None) -> None:
        """Write down how it ended: `done`, `halted` by a signal, `failed` or `stopped`."""
        with catalog.write() as connection:
            connection.execute(
                "update runs set status = ?, trained_policy_id = ?, ended_at = ? where run_id = ?",
                [status, trained_policy_id, now(), self.run_id],
            )

    def steps(self, catalog: Catalog) -> tuple[int, float]:
        """Steps that count, and the mean share of groups in them that taught nothing."""
        row = catalog.rows(_STEPS, self.run_id)[0]
        return int(row["steps"]), float(row["zero_advantage_share"] or 0.0)
