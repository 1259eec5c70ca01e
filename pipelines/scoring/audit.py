"""Two graders over the answers that are stored: their agreement, and where they part.

A grader is a reward of today, or `stored`: what was said of the answers when they came.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipelines.catalog.allowed import require_expression
from pipelines.catalog.catalog import Catalog
from pipelines.catalog.evidence import GRADE_SCHEMA, components_json
from pipelines.catalog.guarded import BadQuery, guarded
from pipelines.catalog.ledger import append_new
from pipelines.catalog.samples import reference_from_row
from pipelines.record.sample import Reference
from pipelines.rewards import BY_KIND, Grading, Score
from pipelines.rewards.final_answer import final_answer
from pipelines.scoring.agreement import VERDICTS, Agreement, Holes, wilson
from pipelines.workspace import Progress, WrongUse, silent

STORED = "stored"
ANY = "*"
BATCH = 2000
SHOWN = 300
"""Longest final answer and question in a list of disagreements."""

_STORED = "select rollout_id, reward_id from asked where reward_id glob {pattern} and {told}"
_COMPUTED = "select distinct rollout_id, null::varchar as reward_id from asked"
_PAIRS = """
with asked as (
    select rollout_id, reward_id, answer_kind
    from graded join candidates using (sample_id)
    join (select policy_id, name as policy from policies) using (policy_id)
    -- With shuffled options another letter is right than the sample's own; twins say what is.
    where completion is not null and purpose <> 'shuffle' and (view->'$.answer') is null and (
{where}
)
)
select rollout_id, a.reward_id as first_id, b.reward_id as second_id
from ({first}) a join ({second}) b using (rollout_id)
where a.reward_id is null or b.reward_id is null or a.reward_id <> b.reward_id
order by all
"""
_LOAD = """
select w.position, r.rollout_id, r.unit_id, r.attempt, r.sample_id, r.completion,
    coalesce(p.name, r.policy_id) as policy, s.question, s.answer::varchar as answer, s.steps,
    w.first_id, a.value as first_value, a.correct as first_correct, a.reason as first_reason,
    w.second_id, b.value as second_value, b.correct as second_correct, b.reason as second_reason
from wanted w join rollouts r using (rollout_id) join samples s using (sample_id)
left join policies p using (policy_id)
left join grades a on a.rollout_id = w.rollout_id and a.reward_id = w.first_id
left join grades b on b.rollout_id = w.rollout_id and b.reward_id = w.second_id
order by w.position
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two graders."""

    name: str
    grading: Grading | None
    """None: the grades that are stored."""
    pattern: str = ANY
    """Which of the stored grades, as a pattern over `reward_id`; by default all but those of
    today's rewards."""

    @classmethod
    def named(cls, name: str, resolve: Callable[[str], Grading]) -> "Side":
        """Read `stored`, `stored:PATTERN`, or what `resolve` knows as a reward."""
        kind, _, pattern = name.partition(":")
        if kind == STORED:
            return cls(name, None, pattern or ANY)
        return cls(name, resolve(name))


@dataclass(frozen=True, slots=True)
class Disagreement:
    """An answer that the two do not judge alike."""

    rollout_id: str
    sample_id: str
    policy: str
    question: str
    gold: str
    said: str
    """The final answer, or the end of the completion where none can be found."""
    first: str
    first_by: str
    first_reason: str
    second: str
    second_by: str
    second_reason: str


@dataclass(slots=True)
class Audit:
    """What a comparison of two graders came to."""

    first: str
    second: str
    answers: int = 0
    verdicts: dict[str, dict[str, int]] = field(default_factory=dict)
    """Counts by the first grader's verdict, then the second's."""
    agreement: float | None = None
    """Share of equal verdicts among the answers that both graded."""
    low: float = 0.0
    high: float = 1.0
    kappa: float | None = None
    first_holes: Holes = field(default_factory=Holes)
    second_holes: Holes = field(default_factory=Holes)
    differing: int = 0
    """Answers with unlike verdicts, unscored ones included."""
    disagreements: list[Disagreement] = field(default_factory=list)
    """The first of them; those that are right for one and wrong for the other come first."""
    kept: int = 0
    """Grades of the second that were stored."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer with what both said of it."""

    row: dict[str, Any]
    reference: Reference
    first: Score
    second: Score

    @property
    def verdicts(self) -> tuple[bool | None, bool | None]:
        """Right, wrong or unscored, by the first and by the second."""
        return self.first.correct, self.second.correct


def audit(
    catalog: Catalog,
    first: Side,
    second: Side,
    *,
    where: str = "true",
    limit: int = 20,
    keep: bool = False,
    on_disagreement: Callable[[Sequence[Disagreement]], None] = lambda _: None,
    progress: Progress = silent,
) -> Audit:
    """Compare two graders over the stored answers that a condition chooses.

    `where` speaks about `graded` joined with `candidates`, and the policy's name as `policy`.
    `keep` stores what the second says. Raises WrongUse when there is nothing to compare.
    """
    if keep and second.grading is None:
        raise WrongUse("the second grader's grades are stored already; keep those of a reward")
    agreement, done = Agreement(), Audit(first.name, second.name)
    telling: list[Disagreement] = []
    unscored: list[Disagreement] = []
    pairs = _pairs(catalog, first, second, where)
    for judged in _judged(catalog, pairs, first, second):
        _add(done, agreement, judged)
        apart = [item for item in judged if item.first.correct is not item.second.correct]
        on_disagreement([_disagreement(item) for item in apart])
        for item in apart:
            listed = unscored if None in item.verdicts else telling
            if len(listed) < limit:
                listed.append(_disagreement(item))
        done.differing += len(apart)
        done.kept += _keep(catalog, judged) if keep else 0
        progress("answers graded twice", done.answers, pairs.num_rows)
    done.verdicts, done.kappa = agreement.table(), agreement.kappa
    done.agreement = agreement.equal / agreement.both if agreement.both else None
    done.low, done.high = wilson(agreement.equal, agreement.both)
    done.disagreements = [*telling, *unscored][:limit]
    return done


def _pairs(catalog: Catalog, first: Side, second: Side, where: str) -> pa.Table:
    """Give every answer to compare, with the ids of the stored grades among the two."""
    query = _PAIRS.format(where=where, first=_source(first, second), second=_source(second, first))
    try:
        require_expression(where)
        pairs = guarded(catalog, query, seconds=300)
    except BadQuery as error:
        raise WrongUse(f"answers where {where!r}: {error}") from error
    if not pairs.num_rows:
        raise WrongUse(
            f"no stored answer where {where!r} has been graded by {first.name!r} beside "
            f"{second.name!r}; name a reward, or import answers with their grades"
        )
    return pairs


def _source(side: Side, other: Side) -> str:
    if side.grading is not None:
        return _COMPUTED
    # A grade is not compared with itself, and what today's rewards said did not come with it.
    ours = [other.grading, BY_KIND if side.pattern == ANY else None]
    told = " and ".join(["true", *(_not_by(grading) for grading in ours if grading)])
    return _STORED.format(pattern=_quoted(side.pattern), told=told)


def _not_by(grading: Grading) -> str:
    own = grading.current_by_kind().items()
    said = ", ".join(f"({_quoted(kind)}, {_quoted(reward)})" for kind, reward in own)
    return f"(answer_kind, reward_id) not in ({said})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _judged(catalog: Catalog, pairs: pa.Table, first: Side, second: Side) -> Iterator[list[Judged]]:
    """Put both verdicts beside each answer, batch by batch."""
    for start in range(0, pairs.num_rows, BATCH):
        wanted = pairs.slice(start, BATCH)
        position = pa.array(range(wanted.num_rows), pa.int32())
        with catalog.read() as connection:
            connection.register("wanted", wanted.append_column("position", position))
            rows = connection.execute(_LOAD).to_arrow_table().to_pylist()
        references = [reference_from_row(row) for row in rows]
        mine = _scores(first, "first", rows, references)
        yours = _scores(second, "second", rows, references)
        given = zip(rows, references, mine, yours, strict=True)
        yield [Judged(*one) for one in given]


def _scores(
    side: Side, which: str, rows: list[dict[str, Any]], references: Sequence[Reference]
) -> list[Score]:
    """Grade now, or take what is stored. Who graded stands in the row afterwards."""
    if side.grading is None:
        return [
            Score(row[f"{which}_value"] or 0.0, row[f"{which}_correct"], row[f"{which}_reason"])
            for row in rows
        ]
    by_kind = side.grading.current_by_kind()
    for row, reference in zip(rows, references, strict=True):
        row[f"{which}_id"] = by_kind.get(reference.answer.kind)
    completions = [row["completion"] for row in rows]
    return side.grading.grade_all(zip(references, completions, strict=True))


def _add(done: Audit, agreement: Agreement, judged: Sequence[Judged]) -> None:
    done.answers += len(judged)
    for item in judged:
        agreement.add(*item.verdicts)
        for score, holes in ((item.first, done.first_holes), (item.second, done.second_holes)):
            if score.correct:
                holes.add(item.reference.answer, item.row["completion"])


def _keep(catalog: Catalog, judged: Sequence[Judged]) -> int:
    rows = [
        {name: item.row[name] for name in ("rollout_id", "unit_id", "attempt")}
        | {
            "reward_id": item.row["second_id"],
            "value": item.second.value,
            "correct": item.second.correct,
            "reason": item.second.reason,
            "components": components_json(item.second.components),
        }
        for item in judged
        if item.row["second_id"] is not None
    ]
    table = pa.Table.from_pylist(rows, GRADE_SCHEMA)
    with catalog.write() as connection:
        return append_new(connection, "grades", table, key="rollout_id, reward_id")


def _disagreement(item: Judged) -> Disagreement:
    row = item.row
    said = final_answer(row["completion"]).text or row["completion"][-SHOWN:]
    return Disagreement(
        rollout_id=row["rollout_id"],
        sample_id=row["sample_id"],
        policy=row["policy"],
        question=row["question"][:SHOWN],
        gold=str(item.reference.answer.value),
        said=said[:SHOWN],
        first=VERDICTS[item.first.correct],
        first_by=row["first_id"] or "",
        first_reason=item.first.reason,
        second=VERDICTS[item.second.correct],
        second_by=row["second_id"] or "",
        second_reason=item.second.reason,
    )
