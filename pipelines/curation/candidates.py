"""The samples that a plan may choose from, with what the pooled evidence says of each."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.catalog.catalog import Connection
from pipelines.curation.ids import Ids
from pipelines.curation.kinds import Kind, Numbering, Numbers, Pool, Probed, Trained
from pipelines.curation.manifest import EvidenceUsed, LeaksRemoved, RunUsed
from pipelines.curation.plans import EvidenceRule, Plan
from pipelines.curation.prediction import Prior, pool_priors
from pipelines.curation.select import select
from pipelines.curation.training import (
    TOLD,
    TriesOfRuns,
    answered_by_runs,
    chosen_runs,
    runs_used,
    told_of,
    tries_of_runs,
)
from pipelines.workspace import Workspace, WrongUse

BATCH = 200_000
"""Rows that the catalog hands over at a time."""
EVERYTHING = "true"
"""The condition of a plan that takes whatever there is."""

_ASKED = """
select coalesce(max(d.policy), '') as policy, coalesce(max(t.name), '') as template,
    d.reward_id, d.policy_id, d.template_id, d.sampling_id
from difficulty d left join templates t using (template_id)
group by all order by all
"""
_FACTS = """
with pooled as (
    select d.sample_id, sum(d.n)::bigint as tries, sum(d.successes)::double as successes,
        list(distinct d.reward_id order by d.reward_id) as rewards, false as from_training
    from difficulty d join chosen_evidence c
        on (d.policy_id, d.template_id, d.sampling_id, d.reward_id)
        is not distinct from (c.policy_id, c.template_id, c.sampling_id, c.reward_id)
    where d.n > 0
    group by d.sample_id
),
known as (
    from pooled
    union all by name
    select *, true as from_training from tries_of_runs anti join pooled using (sample_id)
),
blind as ({blind}),
shuffled as ({shuffled}),
others as (
    from solving where sample_id in (select sample_id from known where successes = 0)
)
select c.sample_id, case
        when c.split is distinct from $split then 'other_split'
        when c.is_view and not $include_views then 'view'
        when {outside} then 'where'
        when c.leak is not null then 'leak'
        when c.duplicate_of is not null and $duplicates = 'drop' then 'duplicate'
        when c.same_picture_as is not null and $same_picture = 'drop' then 'same_picture'
        when c.conflicting then 'conflict'
        when k.tries is null then 'no_evidence'
        when k.tries < $minimum then 'few_tries'
        else ''
    end as reason,
    c.leak, c.corpus, c.task, c.modality, c.answer_kind, c.guess_rate,
    k.tries, k.successes, k.from_training,
    case when len(k.rewards) > 1 then array_to_string(k.rewards, ', ') end as rewards,
    b.tries as blind_tries, b.successes as blind_successes,
    b.probed_tries as blind_probed_tries, b.probed_successes as blind_probed_successes,
    s.tries as shuffled_tries, s.successes as shuffled_successes,
    s.probed_tries as shuffled_probed_tries, s.probed_successes as shuffled_probed_successes,
    coalesce(o.ever_solved, k.successes > 0) as ever_solved,
    coalesce(o.tries, 0)::bigint as tries_of_all,
    t.answers, t.rate, t.alignment
from candidates c
left join known k using (sample_id)
left join blind b using (sample_id)
left join shuffled s using (sample_id)
left join others o using (sample_id)
left join told_of_runs t using (sample_id)
"""
_PROBED = """
    select p.sample_id, sum(p.plain_n)::bigint as tries,
        sum(p.plain_successes)::bigint as successes, sum(p.{probed}n)::bigint as probed_tries,
        sum(p.{probed}successes)::bigint as probed_successes
    from {view} p join chosen_evidence c using (policy_id, template_id, sampling_id, reward_id)
    group by p.sample_id
"""
_USED = """
select c.*, count(*)::bigint as samples, sum(d.n)::bigint as tries
from difficulty d join chosen_evidence c
    on (d.policy_id, d.template_id, d.sampling_id, d.reward_id)
    is not distinct from (c.policy_id, c.template_id, c.sampling_id, c.reward_id)
where d.n > 0 and d.sample_id in (from candidate_ids)
group by all order by all
"""
_BENCHMARKS = """
select corpus as benchmark, coalesce(revision, '') as revision
from corpora where benchmark order by corpus
"""
_TRIES_OF_RUNS = pa.schema(
    [
        ("sample_id", pa.string()),
        ("tries", pa.int64()),
        ("successes", pa.float64()),
        ("rewards", pa.list_(pa.string())),
    ]
)


@dataclass(frozen=True)
class Candidates:
    """All of them, and what was left out before."""

    samples: int
    found: Pool
    dropped: Counter[str]
    evidence: tuple[EvidenceUsed, ...]
    priors: Sequence[Prior]
    """How pass rates lie among the samples of its kind, for each kind of `found`."""
    runs: tuple[RunUsed, ...] = ()
    """Training runs that the plan looks at."""
    leaks: tuple[LeaksRemoved, ...] = ()
    """Every benchmark that the catalog knows, and how many samples it cost."""


@dataclass(frozen=True)
class Read:
    """What was read of the catalog's samples, whether they stay candidates or not."""

    pool: Pool
    """Those that have evidence, too little of it included."""
    reasons: Sequence[str]
    """Why a kind of the pool is no candidate; empty where it is one."""
    dropped: Counter[str]
    """Samples by the rule that dropped them; under "" those that none did."""
    filled: frozenset[str]
    """Samples whose tries are training answers."""
    leaks: Counter[str]
    """Samples that were dropped because they repeat a benchmark, by its name."""

    def candidates(self) -> Pool:
        """Give those that stay."""
        stays = np.array([not reason for reason in self.reasons], bool)[self.pool.numbers]
        if stays.all():
            return self.pool
        return Pool(self.pool.ids.take(stays), self.pool.numbers[stays], self.pool.kinds)


def gather(workspace: Workspace, plan: Plan) -> Candidates:
    """Apply a plan's split, `where` and evidence. Raises WrongUse when one cannot be applied."""
    wanted = None if plan.where.strip() == EVERYTHING else select(workspace.catalog, plan)
    with workspace.catalog.read() as connection:
        chosen, trained = _evidence(connection, plan)
        read = read_samples(_samples(connection, plan, wanted), plan.name)
        found = read.candidates()
        used = _used(connection, found) if len(found) else ()
        leaks = _leaks(connection, read.leaks)
    runs = runs_used(chosen, trained, read.filled)
    priors = pool_priors(read.pool.kinds, read.pool.counted().tolist())
    samples = read.dropped.total()
    dropped = Counter({reason: n for reason, n in read.dropped.items() if reason})
    return Candidates(samples, found, dropped, used, priors, runs, leaks)


def every_sample(workspace: Workspace, plan: Plan) -> pa.Table:
    """Give all samples as a plan looks at them: its evidence, and the rule that leaves one out.

    Raises WrongUse when the split, `where` or evidence of the plan cannot be applied.
    """
    wanted = None if plan.where.strip() == EVERYTHING else select(workspace.catalog, plan)
    with workspace.catalog.read() as connection:
        _evidence(connection, plan)
        batches = list(_samples(connection, plan, wanted))
    return pa.Table.from_batches(batches) if batches else pa.table({"sample_id": []})


def read_samples(batches: Iterable[pa.RecordBatch], plan: str) -> Read:
    """Take samples with their evidence, and number what is known of them.

    The columns are those of `gather`'s query. Raises WrongUse for samples that several rewards
    have graded.
    """
    numbering, filled = Numbering(), set[str]()
    dropped, leaks = Counter[str](), Counter[str]()
    ids, numbers = [], []
    for batch in batches:
        dropped.update(_counted(batch["reason"]))
        if "leak" in dropped:
            leaks.update(_counted(batch["leak"].filter(pc.equal(batch["reason"], "leak"))))
        known = _asked(batch)
        filled.update(known["sample_id"].filter(known["from_training"]).to_pylist())
        ids.append(Ids.of_column(known["sample_id"]))
        numbers.append(numbering.number(known.drop_columns(["sample_id"])))
    _require_one_reward(plan, [row["rewards"] for row in numbering.rows if row["rewards"]])
    kinds = [kind_of(row) for row in numbering.rows]
    reasons = [row["reason"] for row in numbering.rows]
    return Read(_in_order(ids, numbers, kinds), reasons, dropped, frozenset(filled), leaks)


def _samples(
    connection: Connection, plan: Plan, wanted: pa.Table | None
) -> Iterator[pa.RecordBatch]:
    """Ask the catalog for all samples, with their evidence and what speaks against them."""
    connection.register("wanted_ids", wanted if wanted is not None else pa.table({"sample_id": []}))
    query = _FACTS.format(
        blind=_PROBED.format(view="vision_gain", probed="blind_"),
        shuffled=_PROBED.format(view="shuffle_consistency", probed=""),
        outside="false" if wanted is None else "c.sample_id not in (from wanted_ids)",
    )
    rules = {
        "split": plan.split,
        "include_views": plan.include_views,
        "minimum": plan.evidence.minimum,
        "duplicates": plan.gates.duplicates,
        "same_picture": plan.gates.same_picture,
    }
    yield from connection.execute(query, rules).to_arrow_reader(BATCH)


def _asked(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Keep the samples that have evidence, whether it is enough or not."""
    asked = pc.is_in(batch["reason"], pa.array(["", "few_tries"]))
    return batch if pc.all(asked).as_py() else batch.filter(asked)


def _counted(reasons: pa.Array) -> dict[str, int]:
    return {row["values"]: row["counts"] for row in reasons.value_counts().to_pylist()}


def _in_order(ids: Sequence[Ids], numbers: Sequence[Numbers], kinds: Sequence[Kind]) -> Pool:
    """Put the samples of all batches into the order of their ids."""
    whole = Ids.together(ids)
    order = whole.ascending()
    found = np.concatenate([*numbers, np.zeros(0, np.int32)])
    return Pool(whole.take(order), found[order], kinds)


def kind_of(row: dict[str, Any]) -> Kind:
    """Say what is known of samples with this row of facts."""
    return Kind(
        corpus=row["corpus"],
        task=row["task"],
        modality=row["modality"],
        answer_kind=row["answer_kind"],
        guess_rate=row["guess_rate"],
        tries=row["tries"],
        successes=row["successes"],
        blind=_probed(row, "blind"),
        shuffled=_probed(row, "shuffled"),
        ever_solved=row["ever_solved"],
        tries_of_all=row["tries_of_all"],
        trained=_trained(row),
        from_training=row["from_training"],
    )


def _probed(row: dict[str, Any], probe: str) -> Probed | None:
    names = ("tries", "successes", "probed_tries", "probed_successes")
    counts = [row[f"{probe}_{name}"] for name in names]
    return None if counts[0] is None else Probed(*counts)


def _trained(row: dict[str, Any]) -> Trained | None:
    if row["answers"] is None:
        return None
    return Trained(row["answers"], row["rate"], row["alignment"])


def _evidence(
    connection: Connection, plan: Plan
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Register the evidence that a plan names, and what its training runs say.

    Gives the runs, and their answers that match, a row by run, template, sampling, reward, sample.
    """
    rule = plan.training
    asked = connection.execute(_ASKED).to_arrow_table()
    chosen = chosen_runs(connection, plan.name, rule) if rule.runs else []
    answered = answered_by_runs(connection) if rule.tries else []
    # Matched together: a plan may name a policy that only training has asked.
    matching = _matching([*asked.to_pylist(), *answered], plan.name, plan.evidence)
    scored = [row for row in matching if "sample_id" not in row]
    trained = [row for row in matching if "sample_id" in row]
    connection.register("chosen_evidence", pa.Table.from_pylist(scored, asked.schema))
    connection.register("tries_of_runs", _tries_table(tries_of_runs(trained, rule)))
    connection.register("told_of_runs", told_of(connection, rule) if chosen else TOLD.empty_table())
    return chosen, trained


def _tries_table(found: Mapping[str, TriesOfRuns]) -> pa.Table:
    rows = [
        {
            "sample_id": sample_id,
            "tries": tries.tries,
            "successes": tries.successes,
            "rewards": tries.reward_ids,
        }
        for sample_id, tries in found.items()
    ]
    return pa.Table.from_pylist(rows, _TRIES_OF_RUNS)


def _require_one_reward(plan: str, several: Sequence[str]) -> None:
    if several:
        raise WrongUse(
            f"plan {plan!r}: samples are graded by several rewards ({several[0]}); "
            "name one as `reward` of [evidence]"
        )


def _matching(
    asked: Sequence[dict[str, Any]], plan: str, rule: EvidenceRule
) -> list[dict[str, Any]]:
    """Keep the (policy, template, sampling, reward) rows that a rule names.

    Raises WrongUse for a name that matches none of them.
    """
    rows = list(asked)
    wanted = {
        "policy": rule.policies,
        "template": (rule.template,) if rule.template else (),
        "reward": (rule.reward,) if rule.reward else (),
    }
    for what, patterns in wanted.items():
        for pattern in patterns:
            if not any(_is(pattern, what, row) for row in asked):
                known = sorted({_label(what, row) for row in asked})
                raise WrongUse(
                    f"plan {plan!r}: no evidence of {what} {pattern!r}; "
                    f"there is some of {', '.join(known) or 'none, so run `curricle score` first'}"
                )
        if patterns:
            rows = [row for row in rows if any(_is(p, what, row) for p in patterns)]
    return rows


def _is(pattern: str, what: str, row: dict[str, Any]) -> bool:
    names = {row[f"{what}_id"] or "", row.get(what) or ""}
    if what == "reward":
        names.add(row["reward_id"].partition("@")[0])
    return any(name == pattern or fnmatchcase(name, pattern) for name in names if name)


def _label(what: str, row: dict[str, Any]) -> str:
    return str(row.get(what) or row[f"{what}_id"])


def _used(connection: Connection, found: Pool) -> tuple[EvidenceUsed, ...]:
    """Say which evidence the candidates have, and how much of each."""
    connection.register("candidate_ids", pa.table({"sample_id": found.ids.column}))
    rows = connection.execute(_USED).to_arrow_table().to_pylist()
    named = [{name: "" if value is None else value for name, value in r.items()} for r in rows]
    return tuple(EvidenceUsed.model_validate(row) for row in named)


def _leaks(connection: Connection, found: Counter[str]) -> tuple[LeaksRemoved, ...]:
    """Say of every benchmark how many samples repeat it."""
    rows = connection.execute(_BENCHMARKS).to_arrow_table().to_pylist()
    return tuple(LeaksRemoved(**row, samples=found[row["benchmark"]]) for row in rows)
