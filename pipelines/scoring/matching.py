"""Which sample each row of others' rollouts means, and which rollout it is.

What makes two rows one rollout is what they say, not where they stand: the same file again, in
another order or cut in pieces, adds nothing, and equal rows of one file count as often as they
are there. `rollout_id`, `k` and `run` tell apart what would look the same.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.catalog.catalog import Connection
from pipelines.record.canonical import canonical_json, content_hash
from pipelines.record.steps import Reject
from pipelines.rewards import Grading
from pipelines.scoring.columns import STAGE
from pipelines.scoring.imported import policy_id, sampling, template_id
from pipelines.scoring.regrade import register_rewards

PURPOSES = ("score", "search", "blind", "eval")
"""What others may have asked for; training belongs to a run of this workspace."""

# Which sample a row means, who would grade it, and what makes its rollout the one it is.
_MATCH = f"""
with named as (
    select i.*, o.ids, s.sample_id as known_id, coalesce(i.sample_id, o.ids[1]) as meant
    from incoming i
    left join samples s on s.sample_id = i.sample_id
    left join (
        select corpus, source_ref, list(distinct sample_id) as ids
        from sources semi join incoming using (corpus, source_ref) group by all
    ) o on o.corpus = i.corpus and o.source_ref = i.source_ref
),
matched as (
    select n.*, s.answer::varchar as answer, s.steps, c.reward_id as our_id,
        case
            when n.sample_id is null and (n.corpus is null or n.source_ref is null)
                then 'no_sample'
            when n.sample_id is not null and n.known_id is null then 'unknown_sample'
            when n.corpus is not null and n.source_ref is not null and n.ids is null
                then 'unknown_source'
            when n.sample_id is null and len(n.ids) > 1 then 'ambiguous_source'
            when n.ids is not null and not list_contains(n.ids, n.meant) then 'other_sample'
            when n.policy = '' then 'no_policy'
            when n.purpose not in {PURPOSES} then 'bad_purpose'
            when n.completion is null and n.correct is null then 'no_correct'
            when n.correct is null and n.reward is null and c.reward_id is null then 'no_reward'
        end as problem
    from named n left join samples s on s.sample_id = n.meant
    left join current_rewards c on c.answer_kind = s.answer_kind
),
keyed as (
    select * exclude (sample_id, known_id, ids), meant as sample_id,
        left(sha256(concat_ws(',', meant, policy_id, template_id, sampling_id, purpose,
            sha256(origin), coalesce(sha256(rollout_id), ''), coalesce(k::varchar, ''),
            coalesce(seed::varchar, ''), coalesce(sha256(completion), ''),
            case when completion is null and rollout_id is null then correct::varchar else '' end
        )), 32) as content_key,
        hash(meant, policy_id, template_id, sampling_id, purpose, origin) as asked
    from matched
)
select *, hash(content_key, reward_name) as alike from keyed order by position
"""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds for the rows that do not say it themselves."""

    policy: str = ""
    revision: str = ""
    run: str = ""


NO_DEFAULTS = Defaults()


class Occurrences:
    """Counts equal rows over the batches of one file, at eight bytes a row."""

    def __init__(self) -> None:
        self._seen: NDArray[np.uint64] = np.empty(0, np.uint64)

    def number(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Say of each row how many equal ones came before it."""
        order = np.argsort(hashes, kind="stable")
        batch = hashes[order]
        before = np.searchsorted(self._seen, batch, "right") - np.searchsorted(self._seen, batch)
        within = np.arange(len(batch)) - np.searchsorted(batch, batch)
        numbers = np.empty(len(batch), np.int64)
        numbers[order] = before + within
        self._seen = np.sort(np.concatenate([self._seen, batch]), kind="stable")
        return numbers


class Matcher:
    """Finds the samples and names the rollouts of one file, batch by batch."""

    def __init__(self, defaults: Defaults, grading: Grading) -> None:
        self.defaults = defaults
        self.grading = grading
        self._equal = Occurrences()
        self._answers = Occurrences()

    def match(self, connection: Connection, rows: pa.Table) -> tuple[pa.Table, list[Reject]]:
        """Give the rows that tell of a sample here, each with its ids, and the others as rejects."""
        register_rewards(connection, self.grading)
        connection.register("incoming", self._named(rows))
        matched = connection.execute(_MATCH).to_arrow_table()
        found = matched.filter(pc.is_null(matched["problem"]))
        return self._numbered(found), list(_unmatched(matched))

    def _named(self, rows: pa.Table) -> pa.Table:
        """Add who answered, how they were asked, and the ids of both."""
        said = self.defaults
        filled = {
            "policy": _or(rows["policy"], said.policy),
            "revision": _or(rows["revision"], said.revision),
            "run": _or(rows["run"], said.run),
            "template": _or(rows["template"], ""),
            "purpose": _or(rows["purpose"], "score"),
            "reward_name": _or(rows["reward_name"], "imported"),
        }
        for name, values in filled.items():
            rows = rows.set_column(rows.column_names.index(name), name, values)
        wordings = [_template_id(wording) for wording in rows["template"].to_pylist()]
        how = [rows[name].to_pylist() for name in ("temperature", "top_p", "max_tokens")]
        drawn = [_sampling(*settings) for settings in zip(*how, strict=True)]
        who = zip(rows["policy"].to_pylist(), rows["revision"].to_pylist(), strict=True)
        ids = {
            "policy_id": [_policy_id(*one) for one in who],
            "template_id": wordings,
            "sampling": [text for text, _ in drawn],
            "sampling_id": [key for _, key in drawn],
            "origin": [f"import:{run}" if run else "import" for run in rows["run"].to_pylist()],
        }
        for name, texts in ids.items():
            rows = rows.append_column(name, pa.array(texts, pa.string()))
        return rows.append_column("position", pa.array(range(rows.num_rows), pa.int32()))

    def _numbered(self, rows: pa.Table) -> pa.Table:
        """Name each rollout: by its content, and by its number among those of equal content."""
        told_apart = pc.or_(pc.is_valid(rows["k"]), pc.is_valid(rows["rollout_id"]))
        equal = np.where(_numpy(told_apart), 0, self._equal.number(_numpy(rows["alike"])))
        keys = zip(rows["content_key"].to_pylist(), equal.tolist(), strict=True)
        ids = [content_hash([key, number]) if number else key for key, number in keys]
        order = pa.array(self._answers.number(_numpy(rows["asked"])), pa.int32())
        k = pc.coalesce(rows["k"].combine_chunks(), order)
        columns = {"rollout_id": pa.array(ids, pa.string()), "k": k}
        for name, values in columns.items():
            rows = rows.set_column(rows.column_names.index(name), name, values)
        return rows


def _unmatched(rows: pa.Table) -> Iterator[Reject]:
    wrong = rows.filter(pc.is_valid(rows["problem"]))
    told = ("sample_id", "corpus", "source_ref", "policy", "purpose")
    for row in wrong.select(["ref", "problem", *told]).to_pylist():
        detail = ", ".join(f"{name} {row[name]!r}" for name in told if row[name])
        yield Reject(STAGE, row["ref"], STAGE, row["problem"], detail[:300])


def _or(values: pa.ChunkedArray, default: str) -> pa.ChunkedArray:
    """The text that is there and not blank, else the default."""
    blank = pc.equal(pc.utf8_trim_whitespace(values), "")
    return pc.fill_null(pc.if_else(blank, pa.scalar(None, pa.string()), values), default)


def _numpy(values: pa.ChunkedArray) -> NDArray[Any]:
    found: NDArray[Any] = values.combine_chunks().to_numpy(zero_copy_only=False)
    return found


@lru_cache(maxsize=4096)
def _sampling(
    temperature: float | None, top_p: float | None, max_tokens: int | None
) -> tuple[str, str]:
    said = sampling(temperature, top_p, max_tokens)
    return canonical_json(said), content_hash(said)


_policy_id = lru_cache(maxsize=4096)(policy_id)
_template_id = lru_cache(maxsize=4096)(template_id)
