"""Whether a task wants thinking: the same samples, asked to think and asked to answer directly.

Perception needs no thinking, and small policies think badly (No-Thinking-RL and CLS-RL, arXiv
2503.16188). What the two templates find is stored under purpose `think` and never mixes into
`difficulty`; the view `think_modes` says for each task what it means.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa

from pipelines.catalog.catalog import Catalog
from pipelines.policies.showing import View
from pipelines.policies.templates import PromptTemplate, template_named
from pipelines.record.canonical import Json
from pipelines.record.sample import Sample
from pipelines.scoring.ask import Asker
from pipelines.scoring.budget import Budget
from pipelines.scoring.paired import Paired, pairs_for
from pipelines.scoring.probe import ProbeEstimate, ProbeJob
from pipelines.scoring.regrade import regrade
from pipelines.workspace import Progress, WrongUse, silent

PURPOSE = "think"
MARGIN = 0.03
"""What thinking must bring, as a share of right answers, to be worth its tokens; the view
`think_modes` has it too."""
TOGETHER = 512
"""Samples that are asked under both templates before the next are: a budget that runs out leaves
pairs, and not one half of each."""

MODES = """
select * exclude (policy_id, sampling_id, thinking_template_id, direct_template_id)
from think_modes
where policy_id = $policy and thinking_template_id = $thinking and direct_template_id = $direct
    and ($sampling = '' or sampling_id = $sampling)
    and (len($rewards) = 0 or list_contains($rewards, reward_id))
order by task, reward_id
"""


@dataclass(frozen=True, slots=True)
class ThinkProbe:
    """Asks about a sample as it is, under one of the two templates."""

    thinking: bool

    @property
    def purpose(self) -> str:
        """Under which purpose its answers are stored."""
        return PURPOSE

    @property
    def identity(self) -> Json:
        """What decides its views, for the id of a job."""
        return self.thinking

    def views(self, sample: Sample) -> list[View]:  # noqa: ARG002 - there is always this to ask
        """Give the one view, which says which side of the comparison an answer is on."""
        return [{"thinking": self.thinking}]


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkFinding:
    """What thinking brings in a task."""

    task: str
    mode: str
    """`think`, `direct` or `undecided`."""
    pairs: int
    """Samples that were answered under both templates."""
    thinking_rate: float
    direct_rate: float
    gain: float
    """Thinking less direct: above 0, thinking brings right answers."""
    low: float
    high: float
    """The gain with 95% confidence."""
    thinking_tokens: float
    direct_tokens: float
    thinking_cut: float
    """Share of the thinking answers that were cut at `max_tokens`."""
    needed: int | None
    """Pairs that would tell, if what was found stays so; None where it is told, or where no
    sensible number would."""


@dataclass(frozen=True, slots=True)
class ThinkSummary:
    """What a trial of both templates asked and found."""

    policy: str
    thinking: str
    direct: str
    findings: tuple[ThinkFinding, ...]
    samples: int
    rollouts: int
    """Asked by this call; none when everything was asked before."""
    completion_tokens: int
    open_samples: int
    """Samples that lack answers still; some are left only where a budget ran out."""
    stopped_by: str
    """The budget that ran out, `rollouts` or `tokens`; empty when the work is done."""


@dataclass(frozen=True)
class ThinkTrial:
    """One policy asked about the same samples under two templates, equally often."""

    catalog: Catalog
    asker: Asker
    """Asks with the template that lets it think."""
    direct: PromptTemplate
    answers: int = 4
    """To each sample under each template."""
    samples: int = 200
    """Most samples of each task."""
    seed: int = 0
    batch: int = 64
    """Prompts per unit of work."""

    def __post_init__(self) -> None:
        thinking = self.asker.template
        if not thinking.thinking or self.direct.thinking:
            given = self.direct if self.direct.thinking else thinking
            lets = "lets the policy think" if given.thinking else "answers directly itself"
            raise WrongUse(
                f"template {given.name!r} {lets}: compare one that thinks (`--template`) with one "
                "that answers directly (`--direct`)"
            )

    def run(
        self,
        sample_ids: Sequence[str],
        progress: Progress = silent,
        budget: Budget | None = None,
    ) -> ThinkSummary:
        """Ask what is missing and compare; the same call after a kill, or a new budget, goes on."""
        ids, budget, jobs = self.chosen(sample_ids), budget or Budget(), self._jobs()
        for job in jobs:
            regrade(self.catalog, job.asker, ids)
        rollouts = tokens = 0
        stopped_by = ""
        for start in range(0, len(ids), TOGETHER):
            for job in jobs:
                done = job.run(ids[start : start + TOGETHER], budget=budget)
                rollouts, tokens = rollouts + done.rollouts, tokens + done.completion_tokens
                stopped_by = stopped_by or done.stopped_by
                progress("rollouts", rollouts, None)
            if stopped_by:
                break
        return ThinkSummary(
            policy=self.asker.policy.name,
            thinking=self.asker.template.name,
            direct=self.direct.name,
            findings=tuple(self.findings()),
            samples=len(ids),
            rollouts=rollouts,
            completion_tokens=tokens,
            open_samples=max(job.estimate(ids).open_samples for job in jobs) if stopped_by else 0,
            stopped_by=stopped_by,
        )

    def estimate(self, sample_ids: Sequence[str]) -> ProbeEstimate:
        """Say what `run` would ask, without asking."""
        ids = self.chosen(sample_ids)
        both = [job.estimate(ids) for job in self._jobs()]
        return ProbeEstimate(
            samples=len(ids),
            skipped={},
            open_samples=max(one.open_samples for one in both),
            rollouts=sum(one.rollouts for one in both),
            most_tokens=sum(one.most_tokens for one in both),
        )

    def chosen(self, sample_ids: Sequence[str]) -> list[str]:
        """Keep as many samples of each task as are wanted: always the same ones."""
        with self.catalog.read() as connection:
            connection.register(
                "wanted_ids", pa.table({"sample_id": pa.array(sorted(set(sample_ids)))})
            )
            rows = connection.execute(
                "select sample_id, task from samples semi join wanted_ids using (sample_id) "
                "order by sample_id"
            ).fetchall()
        taken, kept = Counter[str](), list[str]()
        for sample_id, task in rows:
            if taken[task] < self.samples:
                taken[task] += 1
                kept.append(sample_id)
        return kept

    def findings(self) -> Iterator[ThinkFinding]:
        """What is known by now, whoever asked."""
        for row in _rows(
            self.catalog,
            self.asker.policy.policy_id,
            thinking=self.asker.template,
            direct=self.direct,
            sampling_id=self.asker.sampling.sampling_id,
            reward_ids=list(self.asker.grading.current_by_kind().values()),
        ):
            yield _finding(row)

    def _jobs(self) -> tuple[ProbeJob, ProbeJob]:
        asked_directly = replace(self.asker, template=self.direct)
        sides = ((self.asker, True), (asked_directly, False))
        first, second = (
            ProbeJob(self.catalog, asker, ThinkProbe(side), self.answers, self.seed, self.batch)
            for asker, side in sides
        )
        return first, second


def modes(
    catalog: Catalog,
    policy_id: str,
    *,
    thinking: str,
    direct: str = "direct",
    sampling_id: str = "",
    reward_ids: Collection[str] = (),
) -> dict[str, str]:
    """Say which template each task wants of this policy, for the tasks that were asked about.

    A task is answered directly only where that is decided, for every kind of answer it has; what
    is undecided goes on thinking. Without `sampling_id` and `reward_ids` all evidence speaks.
    """
    rows = _rows(
        catalog,
        policy_id,
        thinking=template_named(thinking),
        direct=template_named(direct),
        sampling_id=sampling_id,
        reward_ids=sorted(reward_ids),
    )
    chosen: dict[str, str] = {}
    for row in rows:
        wants = direct if row["mode"] == "direct" else thinking
        chosen[row["task"]] = wants if chosen.get(row["task"], wants) == wants else thinking
    return chosen


def _rows(
    catalog: Catalog,
    policy_id: str,
    *,
    thinking: PromptTemplate,
    direct: PromptTemplate,
    sampling_id: str,
    reward_ids: Sequence[str],
) -> list[dict[str, Any]]:
    parameters = {
        "policy": policy_id,
        "thinking": thinking.template_id,
        "direct": direct.template_id,
        "sampling": sampling_id,
        "rewards": list(reward_ids),
    }
    with catalog.read() as connection:
        found: list[dict[str, Any]] = (
            connection.execute(MODES, parameters).to_arrow_table().to_pylist()
        )
    return found


def _finding(row: dict[str, Any]) -> ThinkFinding:
    return ThinkFinding(
        task=row["task"],
        mode=row["mode"],
        pairs=row["pairs"],
        thinking_rate=row["thinking_rate"],
        direct_rate=row["direct_rate"],
        gain=row["gain"],
        low=row["ci_low"],
        high=row["ci_high"],
        thinking_tokens=row["thinking_tokens"],
        direct_tokens=row["direct_tokens"],
        thinking_cut=row["thinking_cut"],
        needed=_needed(row) if row["mode"] == "undecided" else None,
    )


def _needed(row: dict[str, Any]) -> int | None:
    """Pairs for the nearer of the two decisions: above nothing, or below the margin."""
    found = Paired(row["pairs"], row["gain"] * row["pairs"], row["squares"])
    middle = found.total / (found.pairs + 2)
    gap = max(middle, MARGIN - middle)
    return pairs_for(gap, found.variance)
