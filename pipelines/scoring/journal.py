"""What is stored of searches while they run, so that a killed group goes on where it was.

A group of samples is planned once. Its calls are cut into rounds, each a unit that is begun and
committed with everything its calls brought: replies, graded answers, finished searches. The rows
of evidence carry the unit of the group, so that they do not depend on where rounds were cut.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pipelines.catalog import ledger
from pipelines.catalog.catalog import Catalog, Connection
from pipelines.catalog.ledger import Unit
from pipelines.policies.policy import Completion
from pipelines.record.canonical import Json
from pipelines.scoring.advance import Heard, Past

GROUP_ATTEMPT = 0
"""A group is never begun again: its rounds are what is tried, and committed once."""

REPLY_SCHEMA = pa.schema(
    [
        ("unit_id", pa.string()),
        ("attempt", pa.int32()),
        *((name, pa.string()) for name in ("search_id", "sample_id")),
        *((name, pa.int32()) for name in ("call", "prompt_tokens")),
        *((name, pa.list_(pa.string())) for name in ("texts", "finish_reasons")),
        ("completion_tokens", pa.list_(pa.int32())),
        ("problems", pa.list_(pa.string())),
    ]
)

REPLIES = """
select sample_id, prompt_tokens, texts, finish_reasons, completion_tokens, problems
from search_replies anti join (from searches where unit_id = $group) using (sample_id)
where search_id = $group order by sample_id, call
"""

VERDICTS = """
select r.sample_id, first(g.correct order by g.reward_id) as correct
from rollouts r join grades g using (rollout_id)
where r.unit_id = $group and r.sample_id not in (select sample_id from searches where unit_id = $group)
group by r.sample_id, r.k order by r.sample_id, r.k
"""


class Journal:
    """The rounds of one group: one is open at a time."""

    def __init__(self, catalog: Catalog, group: Unit) -> None:
        self.catalog, self.group = catalog, group
        self._round = self._round_from(0)
        self._attempt = 0

    @property
    def first_call(self) -> int:
        """The call that the open round began with."""
        return self._round.round

    def open(self) -> Past:
        """Begin the round that is due, from when on nobody else can commit it; give what was before."""
        for left in ledger.pending(self.catalog, self.group.unit_id):
            self._round = left
        with self.catalog.write() as connection:
            self._begin(connection)
        with self.catalog.read() as connection:
            return self._past(connection)

    def commit(
        self, next_call: int, heard: Sequence[Heard], tables: dict[str, pa.Table], *, finished: bool
    ) -> bool:
        """Keep what the calls of this round brought, and begin the next one or end the group.

        False, and nothing is kept, if another process has begun this round since.
        """
        tables = tables | {"search_replies": self._replies(heard)}
        with self.catalog.write() as connection:
            if not ledger.commit(connection, self._round.unit_id, self._attempt, tables):
                return False
            if finished:
                self._end(connection)
            else:
                self._round = self._round_from(next_call)
                self._begin(connection)
        return True

    def _round_from(self, call: int) -> Unit:
        # The samples and the replies so far decide who is asked what (advance.py).
        inputs: Json = {"group": self.group.unit_id, "call": call}
        return Unit(job=self.group.unit_id, kind="search-round", round=call, batch=0, inputs=inputs)

    def _begin(self, connection: Connection) -> None:
        ledger.plan(connection, [self._round])
        self._attempt = ledger.begin(connection, self._round.unit_id)

    def _end(self, connection: Connection) -> None:
        ledger.commit(connection, self.group.unit_id, GROUP_ATTEMPT, {})
        connection.execute("delete from search_replies where search_id = ?", [self.group.unit_id])

    def _past(self, connection: Connection) -> Past:
        group = {"group": self.group.unit_id}
        ended = connection.execute(
            "select sample_id from searches where unit_id = $group", group
        ).fetchall()
        heard: dict[str, list[list[Completion]]] = defaultdict(list)
        for key, *reply in connection.execute(REPLIES, group).fetchall():
            heard[key].append(_completions(*reply))
        verdicts: dict[str, list[bool | None]] = defaultdict(list)
        for key, correct in connection.execute(VERDICTS, group).fetchall():
            verdicts[key].append(correct)
        return Past(self.first_call, frozenset(row[0] for row in ended), heard, verdicts)

    def _replies(self, heard: Sequence[Heard]) -> pa.Table:
        shared = {
            "unit_id": self._round.unit_id,
            "attempt": self._attempt,
            "search_id": self.group.unit_id,
        }
        rows = [
            shared
            | {
                "sample_id": one.search.sample.sample_id,
                "call": one.call,
                "prompt_tokens": one.completions[0].prompt_tokens,
                "texts": [c.text for c in one.completions],
                "finish_reasons": [c.finish_reason for c in one.completions],
                "completion_tokens": [c.completion_tokens for c in one.completions],
                "problems": [c.problem for c in one.completions],
            }
            for one in heard
        ]
        return pa.Table.from_pylist(rows, REPLY_SCHEMA)


def _completions(
    prompt_tokens: int, texts: list[str], reasons: list[Any], tokens: list[int], problems: list[str]
) -> list[Completion]:
    return [
        Completion(text, reason, prompt_tokens, count, problem)
        for text, reason, count, problem in zip(texts, reasons, tokens, problems, strict=True)
    ]
