"""Tree search over many samples at once: their trees advance together, their questions batched.

Every new answer that a tree judged is stored as a rollout with purpose `search`; the effort goes
into `searches`, solved or not. Killed at any moment, the same job goes on from the last round of
calls that was stored (journal.py).
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pipelines.catalog import ledger
from pipelines.catalog.catalog import Catalog
from pipelines.catalog.ledger import Unit
from pipelines.catalog.samples import load_samples
from pipelines.policies.policy import PolicyUnavailable
from pipelines.record.canonical import Json, content_hash
from pipelines.scoring.advance import Group, Heard
from pipelines.scoring.ask import Asker
from pipelines.scoring.budget import Budget
from pipelines.scoring.effort import Findings, rule_as_json
from pipelines.scoring.journal import Journal
from pipelines.scoring.live import LiveSearch
from pipelines.scoring.tree import SearchRule
from pipelines.workspace import Progress, silent

SEARCHED = """
select distinct sample_id from searches s join units u using (unit_id)
where s.attempt = u.attempt and solved is not null
    and policy_id = $policy and template_id = $template and sampling_id = $sampling
    -- A search for values finds the first success on its way.
    and (coalesce(mode, 'first-success') = $mode or ($mode = 'first-success' and mode = 'value'))
    and (iterations >= $iterations or (solved and $mode <> 'value'))
"""

GROUP = 4096
"""Most samples that are planned as one group: it is what a kill has to bring back at once."""


@dataclass(frozen=True, slots=True)
class SearchSummary:
    """What a search job did."""

    job: str
    samples: int
    searched: int
    solved: int
    model_calls: int
    """Continuations asked for by this call."""
    completion_tokens: int
    failed: int = 0
    """Given up for want of answers or grades: they are not unsolved, and are searched again."""
    stopped_by: str = ""
    """Which budget ended it, `rollouts` or `tokens`; empty when all is done."""


@dataclass
class _Tally:
    """What one call of a job has done so far."""

    budget: Budget
    searched: int = 0
    solved: int = 0
    failed: int = 0
    model_calls: int = 0
    tokens: int = 0
    stopped_by: str = ""

    def spend(self, heard: Sequence[Heard]) -> None:
        """Count what a call to the policy has cost."""
        completions = [c for one in heard for c in one.completions]
        tokens = sum(completion.completion_tokens for completion in completions)
        self.model_calls += len(completions)
        self.tokens += tokens
        self.budget.spend(len(completions), tokens)

    def note_ended(self, ended: Sequence[LiveSearch]) -> None:
        """Count searches that have ended and are stored."""
        answered = [search for search in ended if not search.problem]
        self.failed += len(ended) - len(answered)
        self.searched += len(answered)
        self.solved += sum(search.tree.first_success is not None for search in answered)


@dataclass(frozen=True)
class SearchJob:
    """One policy searching for the answers to some samples."""

    catalog: Catalog
    asker: Asker
    rule: SearchRule
    seed: int = 0
    batch: int = 256
    """Trees that advance together; when one has ended the next takes its place."""
    store_every: float = 1.0
    """Seconds of work that a kill may lose, beside the call to the policy that is under way."""

    @property
    def job(self) -> str:
        """Deterministic: who is asked, how, and with which rule and seed."""
        rule = rule_as_json(self.rule)
        return content_hash(["search", self.asker.identity, rule, self.seed, self.batch])

    def run(
        self,
        sample_ids: Sequence[str],
        progress: Progress = silent,
        budget: Budget | None = None,
    ) -> SearchSummary:
        """Search every sample that this policy has not been searched for yet.

        A budget that runs out stops it between two calls to the policy; the same job again goes
        on from there. Raises PolicyUnavailable when nobody answers any more.
        """
        with self.catalog.write() as connection:
            self.asker.introduce(connection)
        groups = ledger.pending(self.catalog, self.job)
        planned = {key for group in groups for key in _samples(group)}
        groups += self._plan([key for key in self.unsearched(sample_ids) if key not in planned])
        tally = _Tally(budget or Budget())
        done, total = 0, sum(len(_samples(group)) for group in groups)
        for group in groups:
            self._run_group(group, tally, _part(progress, done, total))
            done += len(_samples(group))
            if tally.stopped_by:
                break
        return SearchSummary(
            job=self.job,
            samples=len(set(sample_ids)),
            searched=tally.searched,
            solved=tally.solved,
            model_calls=tally.model_calls,
            completion_tokens=tally.tokens,
            failed=tally.failed,
            stopped_by=tally.stopped_by,
        )

    def unsearched(self, sample_ids: Sequence[str]) -> list[str]:
        """Which of these samples this policy has not been searched for, in this mode and so far."""
        asked = self.asker.asked | {"mode": self.rule.mode, "iterations": self.rule.iterations}
        with self.catalog.read() as connection:
            rows = connection.execute(SEARCHED, asked).fetchall()
        done = {row[0] for row in rows}
        return [key for key in sorted(set(sample_ids)) if key not in done]

    def _plan(self, ids: Sequence[str]) -> list[Unit]:
        number = ledger.next_round(self.catalog, self.job)
        groups = []
        for batch, start in enumerate(range(0, len(ids), GROUP)):
            seed = int(content_hash([self.job, number, batch])[:8], 16)
            inputs: Json = {"samples": ids[start : start + GROUP], "seed": seed}
            groups.append(
                Unit(job=self.job, kind="search", round=number, batch=batch, inputs=inputs)
            )
        with self.catalog.write() as connection:
            ledger.plan(connection, groups)
        return groups

    def _run_group(self, unit: Unit, tally: _Tally, report: Callable[[int], None]) -> None:
        """Advance a group to its end, to that of the budget, or until another process has it."""
        inputs: Any = unit.inputs
        samples = load_samples(self.catalog, inputs["samples"])
        journal = Journal(self.catalog, unit)
        past, seed = journal.open(), inputs["seed"]
        group = Group(self.asker, self.rule, samples, seed=seed, slots=self.batch, past=past)
        findings = Findings(self.asker, self.rule, unit)
        kept = True
        while kept and group.unfinished and not tally.stopped_by:
            try:
                self._round(group, findings, tally)
            except PolicyUnavailable:
                _store(journal, group, findings, tally)
                raise
            kept = _store(journal, group, findings, tally)
            report(len(samples) - group.unfinished)

    def _round(self, group: Group, findings: Findings, tally: _Tally) -> None:
        """Make as many calls as fit into the time that may be lost."""
        until = time.monotonic() + self.store_every
        findings.ended += group.retire()
        while asking := group.asking():
            tally.stopped_by = tally.budget.exhausted_by(sum(one.missing for one in asking))
            if tally.stopped_by:
                return
            heard = group.advance(asking)
            tally.spend(heard)
            findings.note(heard)
            findings.ended += group.retire()
            if time.monotonic() >= until:
                return


def _store(journal: Journal, group: Group, findings: Findings, tally: _Tally) -> bool:
    """Store what a round of calls brought. False when another process has taken the group over."""
    if not findings.heard and group.unfinished:
        return True
    tables, finished = findings.tables(), not group.unfinished
    kept = journal.commit(group.call, findings.heard, tables, finished=finished)
    if kept:
        tally.note_ended(findings.ended)
    findings.forget()
    return kept


def _part(progress: Progress, before: int, total: int) -> Callable[[int], None]:
    """Report how many of a group are done as how many of all are."""
    return lambda done: progress("trees", before + done, total)


def _samples(group: Unit) -> list[str]:
    inputs: Any = group.inputs
    samples: list[str] = inputs["samples"]
    return samples
