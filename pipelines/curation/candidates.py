"""The samples that a plan may choose from, with what the pooled evidence says of each."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from fractions import Fraction
from functools import lru_cache
from typing import Any

import pyarrow as pa

from pipelines.catalog.catalog import Connection
from pipelines.curation.manifest import EvidenceUsed, RunUsed
from pipelines.curation.plans import EvidenceRule, Plan
from pipelines.curation.prediction import Counted, Prior, pool_priors
from pipelines.curation.select import select
from pipelines.curation.training import (
    Trained,
    TriesOfRuns,
    answered_by_runs,
    chosen_runs,
    runs_used,
    told_of,
    tries_of_runs,
)
from pipelines.workspace import Workspace, WrongUse

_FACTS = """
select sample_id, corpus, task, modality, answer_kind, guess_rate, is_view, split, conflicting
from candidates order by sample_id
"""
_ASKED = """
select coalesce(max(d.policy), '') as policy, coalesce(max(t.name), '') as template,
    d.reward_id, d.policy_id, d.template_id, d.sampling_id
from difficulty d left join templates t using (template_id)
group by all order by all
"""
_POOL = """
select d.sample_id, sum(d.n)::bigint as tries, sum(d.successes)::bigint as successes,
    list(distinct d.reward_id order by d.reward_id) as rewards
from difficulty d join chosen_evidence c
    on (d.policy_id, d.template_id, d.sampling_id, d.reward_id)
    is not distinct from (c.policy_id, c.template_id, c.sampling_id, c.reward_id)
where d.n > 0
group by d.sample_id
"""
_PROBED = """
select p.sample_id, sum(p.plain_n)::bigint as tries, sum(p.plain_successes)::bigint as successes,
    sum(p.{probed}n)::bigint as probed_tries, sum(p.{probed}successes)::bigint as probed_successes
from {view} p join chosen_evidence c using (policy_id, template_id, sampling_id, reward_id)
group by p.sample_id
"""
_SOLVING = (
    "select sample_id, tries, ever_solved from solving where sample_id in (from unsolved_ids)"
)
_USED = """
select c.*, count(*)::bigint as samples, sum(d.n)::bigint as tries
from difficulty d join chosen_evidence c
    on (d.policy_id, d.template_id, d.sampling_id, d.reward_id)
    is not distinct from (c.policy_id, c.template_id, c.sampling_id, c.reward_id)
where d.n > 0 and d.sample_id in (from candidate_ids)
group by all order by all
"""


@dataclass(frozen=True, slots=True)
class Probed:
    """Answers to one sample, asked plainly and under a probe, by the same policies."""

    tries: int
    successes: int
    probed_tries: int
    probed_successes: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sample that may be chosen, and how often it was answered right."""

    sample_id: str
    task: str
    modality: str
    answer_kind: str
    guess_rate: float
    tries: int
    successes: float
    """A whole number, but where training answers were discounted for their age."""
    blind: Probed | None = None
    """What the blind probe found; None where it did not ask."""
    shuffled: Probed | None = None
    """What the shuffle probe found; None where it did not ask."""
    ever_solved: bool = True
    """Whether any policy solved it, those that the plan does not look at included."""
    tries_of_all: int = 0
    """Graded tries of all policies; looked up only where the plan's policies never solved it."""
    trained: Trained | None = None
    """What the plan's training runs say; None where it names none or they never asked."""
    from_training: bool = False
    """Whether its tries are training answers."""

    def rate(self, *, guess_correction: bool) -> Fraction:
        """Give the pass rate, exactly; corrected for guessing where that is wanted."""
        return _rate(self.successes, self.tries, self.guess_rate if guess_correction else 0.0)


@dataclass(frozen=True)
class Candidates:
    """All of them, by sample_id, and what was left out before."""

    samples: int
    found: list[Candidate]
    dropped: Counter[str]
    evidence: tuple[EvidenceUsed, ...]
    priors: Mapping[str, Prior]
    """How pass rates lie among the samples of its kind, by sample_id, for those with evidence."""
    runs: tuple[RunUsed, ...] = ()
    """Training runs that the plan looks at."""


@dataclass(frozen=True, slots=True)
class Tries:
    """The pooled evidence of one sample."""

    tries: int
    successes: float
    from_training: bool = False


@dataclass(frozen=True)
class Evidence:
    """What is known of the eligible samples, by sample_id."""

    tries: Mapping[str, Tries]
    trained: Mapping[str, Trained]
    runs: tuple[RunUsed, ...]


def gather(workspace: Workspace, plan: Plan) -> Candidates:
    """Apply a plan's split, `where` and evidence. Raises WrongUse when one cannot be applied."""
    wanted = select(workspace.catalog, plan)
    with workspace.catalog.read() as connection:
        facts = connection.execute(_FACTS).to_arrow_table().to_pylist()
        dropped = Counter(reason for row in facts if (reason := _unwanted(row, plan, wanted)))
        eligible = [row for row in facts if not _unwanted(row, plan, wanted)]
        evidence = _evidence(connection, plan, {row["sample_id"] for row in eligible})
        found, pool = [], []
        for row in eligible:
            known = evidence.tries.get(row["sample_id"])
            if known is not None:
                pool.append(_counted(row, known))
            if known is None or known.tries < plan.evidence.minimum:
                dropped["few_tries" if known else "no_evidence"] += 1
            else:
                found.append(_candidate(row, known, evidence.trained.get(row["sample_id"])))
        found = _tested(connection, found)
        used = _used(connection, found) if found else ()
    return Candidates(len(facts), found, dropped, used, pool_priors(pool), evidence.runs)


def _unwanted(row: dict[str, Any], plan: Plan, wanted: set[str]) -> str:
    """Name the first rule that a sample fails, before evidence is looked at."""
    if row["split"] != plan.split:
        return "other_split"
    if row["is_view"] and not plan.include_views:
        return "view"
    if row["sample_id"] not in wanted:
        return "where"
    return "conflict" if row["conflicting"] else ""


def _counted(row: dict[str, Any], known: Tries) -> Counted:
    return Counted(row["sample_id"], row["corpus"], row["task"], known.successes, known.tries)


def _candidate(row: dict[str, Any], known: Tries, trained: Trained | None) -> Candidate:
    return Candidate(
        sample_id=row["sample_id"],
        task=row["task"],
        modality=row["modality"],
        answer_kind=row["answer_kind"],
        guess_rate=row["guess_rate"],
        tries=known.tries,
        successes=known.successes,
        trained=trained,
        from_training=known.from_training,
    )


def _tested(connection: Connection, found: Sequence[Candidate]) -> list[Candidate]:
    """Add what the probes say of each candidate, and other policies of those that are unsolved."""
    blind = _probed(connection, "vision_gain", "blind_")
    shuffled = _probed(connection, "shuffle_consistency", "")
    unsolved = pa.array([c.sample_id for c in found if not c.successes], pa.string())
    connection.register("unsolved_ids", pa.table({"sample_id": unsolved}))
    solving = {key: rest for key, *rest in connection.execute(_SOLVING).fetchall()}
    tested = []
    for candidate in found:
        key = candidate.sample_id
        tries, solved = solving.get(key, (0, candidate.successes > 0))
        tested.append(
            replace(
                candidate,
                blind=blind.get(key),
                shuffled=shuffled.get(key),
                ever_solved=solved,
                tries_of_all=tries,
            )
        )
    return tested


def _probed(connection: Connection, view: str, prefix: str) -> dict[str, Probed]:
    """Add up a probe's answers and the plain ones beside them, over the plan's evidence."""
    rows = connection.execute(_PROBED.format(view=view, probed=prefix)).fetchall()
    return {key: Probed(*counts) for key, *counts in rows}


def _evidence(connection: Connection, plan: Plan, eligible: set[str]) -> Evidence:
    """Pool the tries of every eligible sample, and hear the plan's training runs."""
    rule = plan.training
    asked = connection.execute(_ASKED).to_arrow_table()
    chosen = chosen_runs(connection, plan.name, rule) if rule.runs else []
    answered = answered_by_runs(connection) if rule.tries else []
    # Matched together: a plan may name a policy that only training has asked.
    matching = _matching([*asked.to_pylist(), *answered], plan.name, plan.evidence)
    scored = [row for row in matching if "sample_id" not in row]
    connection.register("chosen_evidence", pa.Table.from_pylist(scored, asked.schema))
    pool = _pool(connection, plan, eligible)
    without = eligible - pool.keys()
    trained = [row for row in matching if row.get("sample_id") in without]
    filled = {key: _of_runs(plan, own) for key, own in tries_of_runs(trained, rule).items()}
    told = told_of(connection, rule) if chosen else {}
    return Evidence(pool | filled, told, runs_used(chosen, trained, set(filled)))


def _pool(connection: Connection, plan: Plan, eligible: set[str]) -> dict[str, Tries]:
    """Add up the tries and successes of every eligible sample over the evidence that matches."""
    rows = connection.execute(_POOL).to_arrow_table().to_pylist()
    pooled = [row for row in rows if row["sample_id"] in eligible]
    for row in pooled:
        _require_one_reward(plan, row["rewards"])
    return {row["sample_id"]: Tries(row["tries"], row["successes"]) for row in pooled}


def _of_runs(plan: Plan, found: TriesOfRuns) -> Tries:
    _require_one_reward(plan, found.reward_ids)
    return Tries(found.tries, found.successes, from_training=True)


def _require_one_reward(plan: Plan, rewards: Sequence[str]) -> None:
    if len(rewards) > 1:
        raise WrongUse(
            f"plan {plan.name!r}: samples are graded by several rewards ({', '.join(rewards)}); "
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


def _used(connection: Connection, found: Sequence[Candidate]) -> tuple[EvidenceUsed, ...]:
    """Say which evidence the candidates have, and how much of each."""
    ids = pa.table({"sample_id": pa.array([c.sample_id for c in found], pa.string())})
    connection.register("candidate_ids", ids)
    rows = connection.execute(_USED).to_arrow_table().to_pylist()
    named = [{name: "" if value is None else value for name, value in r.items()} for r in rows]
    return tuple(EvidenceUsed.model_validate(row) for row in named)


def share_of(successes: float, tries: int) -> Fraction:
    """Give the share exactly; a discounted count is known to thousandths."""
    return Fraction(successes).limit_denominator(1000) / tries


@lru_cache(maxsize=65536)
def _rate(successes: float, tries: int, guess_rate: float) -> Fraction:
    guess = Fraction(guess_rate).limit_denominator(1000)
    if guess >= 1:
        return Fraction(0)
    return max(Fraction(0), (share_of(successes, tries) - guess) / (1 - guess))
