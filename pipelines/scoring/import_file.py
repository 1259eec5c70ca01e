"""Rollouts made elsewhere, read from a file and kept as another policy's evidence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalog.catalog import Connection, now
from pipelines.catalog.evidence import GRADE_SCHEMA, ROLLOUT_SCHEMA, components_json
from pipelines.catalog.ledger import append_new
from pipelines.catalog.samples import add_rejects, reference_from_row
from pipelines.record.sample import Reference
from pipelines.record.steps import Reject
from pipelines.rewards import BY_KIND, REWARDS, Grading
from pipelines.scoring.columns import Incoming
from pipelines.scoring.imported import introduce, reward_id
from pipelines.scoring.matching import NO_DEFAULTS, Defaults, Matcher
from pipelines.scoring.rollout_files import RolloutFile
from pipelines.workspace import Progress, Workspace, WrongUse, silent

_KNOWN = """
select rollout_id, list(g.reward_id) filter (g.reward_id is not null) as graders
from rollouts semi join wanted using (rollout_id) left join grades g using (rollout_id) group by all
"""


@dataclass(slots=True)
class ImportSummary:
    """What came in, and what did not."""

    file: str
    read: int = 0
    new: int = 0
    """Rollouts that were not in the catalog before."""
    known: int = 0
    """Rows that tell of a rollout which is there already."""
    graded: int = 0
    """Grades that were not in the catalog before: the given ones and ours."""
    rejected: dict[str, int] = field(default_factory=dict)
    """Rows that were dropped, by reason."""
    samples: int = 0
    """Samples that some row tells of."""
    policies: list[str] = field(default_factory=list)


def import_rollouts(
    workspace: Workspace,
    path: Path,
    defaults: Defaults = NO_DEFAULTS,
    *,
    grading: Grading = BY_KIND,
    dry_run: bool = False,
    progress: Progress = silent,
) -> ImportSummary:
    """Bring the rollouts of a file in; killed, the same call again finishes the work.

    What a file says of an answer is kept under its grader's name; `grading` adds its own opinion
    wherever there is a completion. Raises WrongUse when the file can hold no rollouts.
    """
    file = RolloutFile.open(path)
    job = _Import(workspace, defaults, grading, dry_run, ImportSummary(path.name))
    total = file.count()
    for batch in file.batches():
        job.take(batch)
        progress("rollouts of others", job.summary.read, total)
    if not job.summary.read:
        raise WrongUse(f"{path} holds no rollouts")
    return job.summary


class _Import:
    """One pass over one file."""

    def __init__(
        self,
        workspace: Workspace,
        defaults: Defaults,
        grading: Grading,
        dry_run: bool,
        summary: ImportSummary,
    ) -> None:
        self.catalog = workspace.catalog
        self.matcher = Matcher(defaults, grading)
        self.grading = grading
        self.dry_run = dry_run
        self.summary = summary
        self.stamp = now()
        self._samples: set[str] = set()
        ours = (reward.split("@")[0] for reward in grading.current_by_kind().values())
        self._our_names = {*REWARDS, *ours}

    def take(self, batch: Incoming) -> None:
        """Match, grade and keep one batch."""
        with self.catalog.read() as connection:
            rows, unmatched = self.matcher.match(connection, batch.rows)
            known = _known(connection, rows)
        rejects = [*batch.rejects, *unmatched]
        if self.dry_run:
            new = len(set(rows["rollout_id"].to_pylist()) - known.keys())
        else:
            grades = pa.concat_tables([self._given(rows), self._ours(rows, known)])
            new = self._keep(rows, grades, rejects)
        self._count(rows, rejects, new)

    def _given(self, rows: pa.Table) -> pa.Table:
        """The grades that came with the file, under their graders' names."""
        came = rows.filter(pc.or_(pc.is_valid(rows["correct"]), pc.is_valid(rows["reward"])))
        graders = [reward_id(name, self._our_names) for name in came["reward_name"].to_pylist()]
        value = pc.coalesce(came["reward"], pc.cast(pc.cast(came["correct"], "int8"), "float64"))
        reasons = zip(came["reason"].to_pylist(), graders, strict=True)
        said = [reason or f"graded by {grader}" for reason, grader in reasons]
        return _grades(
            came["rollout_id"], graders, value=value, correct=came["correct"], reasons=said
        )

    def _ours(self, rows: pa.Table, known: dict[str, list[str]]) -> pa.Table:
        """Our own grades of the completions that do not have them yet."""
        ids, graders = rows["rollout_id"].to_pylist(), rows["our_id"].to_pylist()
        wanted = [
            grader is not None and grader not in known.get(key, ())
            for key, grader in zip(ids, graders, strict=True)
        ]
        open_ = rows.filter(pc.and_(pc.is_valid(rows["completion"]), pa.array(wanted, pa.bool_())))
        if not open_.num_rows:
            return GRADE_SCHEMA.empty_table()
        references = _references(open_)
        completions = open_["completion"].to_pylist()
        scores = self.grading.grade_all(zip(references, completions, strict=True))
        return _grades(
            open_["rollout_id"],
            open_["our_id"].to_pylist(),
            value=pa.array([score.value for score in scores], pa.float64()),
            correct=pa.array([score.correct for score in scores], pa.bool_()),
            reasons=[score.reason for score in scores],
            components=[components_json(score.components) for score in scores],
        )

    def _keep(self, rows: pa.Table, grades: pa.Table, rejects: Sequence[Reject]) -> int:
        who = zip(rows["policy"].to_pylist(), rows["revision"].to_pylist(), strict=True)
        with self.catalog.write() as connection:
            add_rejects(connection, rejects)
            introduce(connection, who, rows["template"].to_pylist(), self.stamp)
            new = append_new(connection, "rollouts", self._rollouts(rows), key="rollout_id")
            self.summary.graded += append_new(
                connection, "grades", grades, key="rollout_id, reward_id"
            )
        return new

    def _rollouts(self, rows: pa.Table) -> pa.Table:
        """The rows of the fact table; an import is its own only attempt."""
        constant = {"unit_id": "", "attempt": 1, "round": 0, "created_at": self.stamp}
        return pa.table(
            [
                rows[name].cast(type_)
                if name in rows.column_names
                else pa.array([constant.get(name)] * rows.num_rows, type_)
                for name, type_ in zip(ROLLOUT_SCHEMA.names, ROLLOUT_SCHEMA.types, strict=True)
            ],
            schema=ROLLOUT_SCHEMA,
        )

    def _count(self, rows: pa.Table, rejects: Sequence[Reject], new: int) -> None:
        summary = self.summary
        summary.read += rows.num_rows + len(rejects)
        summary.new += new
        summary.known += rows.num_rows - new
        for reject in rejects:
            summary.rejected[reject.reason] = summary.rejected.get(reject.reason, 0) + 1
        self._samples.update(rows["sample_id"].to_pylist())
        summary.samples = len(self._samples)
        summary.policies = sorted({*summary.policies, *pc.unique(rows["policy"]).to_pylist()})


def _known(connection: Connection, rows: pa.Table) -> dict[str, list[str]]:
    """Which of these rollouts are in the catalog, and who graded them."""
    connection.register("wanted", rows.select(["rollout_id"]))
    found = connection.execute(_KNOWN).fetchall()
    return {key: graders or [] for key, graders in found}


def _references(rows: pa.Table) -> Iterator[Reference]:
    """What each row is graded against, made once per sample."""
    made: dict[str, Reference] = {}
    for row in rows.select(["sample_id", "answer", "steps"]).to_pylist():
        key = row["sample_id"]
        if key not in made:
            made[key] = reference_from_row(row)
        yield made[key]


def _grades(
    ids: pa.ChunkedArray,
    graders: Sequence[str],
    *,
    value: pa.Array,
    correct: pa.Array,
    reasons: Sequence[str],
    components: Sequence[str | None] | None = None,
) -> pa.Table:
    count = len(ids)
    columns: dict[str, Any] = {
        "rollout_id": ids,
        "unit_id": pa.array([""] * count, pa.string()),
        "attempt": pa.array([1] * count, pa.int32()),
        "reward_id": pa.array(graders, pa.string()),
        "value": value,
        "correct": correct,
        "reason": pa.array(reasons, pa.string()),
        "components": pa.array(components or [None] * count, pa.string()),
    }
    return pa.table(columns, schema=GRADE_SCHEMA)
