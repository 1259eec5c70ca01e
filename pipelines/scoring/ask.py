"""Put samples to a policy and grade what it says: the one way from samples to evidence."""

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.catalog.catalog import Connection, now
from pipelines.catalog.evidence import Rollout
from pipelines.catalog.ledger import append_new
from pipelines.policies.policy import Completion, Policy, Request, Sampling
from pipelines.policies.render import ReadMedia, render
from pipelines.policies.templates import PromptTemplate
from pipelines.record.canonical import Json, canonical_json
from pipelines.record.sample import Sample
from pipelines.rewards import BY_KIND, Grading, Score
from pipelines.rewards.score import unscored


@dataclass(frozen=True)
class Asker:
    """A policy, with everything that decides how it is asked."""

    policy: Policy
    template: PromptTemplate
    sampling: Sampling
    read: ReadMedia
    """Gives the bytes of a medium by its id."""
    grading: Grading = BY_KIND
    """Who grades the answers."""

    def ask(
        self, samples: Sequence[Sample], n: int, seed: int
    ) -> list[list[tuple[Completion, Score]]]:
        """Ask for `n` answers to each sample and grade every one."""
        requests = [
            render(sample, self.template, self.read, self.policy.takes, n=n) for sample in samples
        ]
        return self.answers(samples, requests, seed)

    def answers(
        self, samples: Sequence[Sample], requests: Sequence[Request], seed: int
    ) -> list[list[tuple[Completion, Score]]]:
        """Put each sample as its request shows it, and grade what is answered."""
        answers = self.policy.sample(requests, self.sampling, seed)
        asked = list(zip(samples, answers, strict=True))
        given = [(sample, one) for sample, completions in asked for one in completions]
        scores = iter(self.grade_all(given))
        return [[(one, next(scores)) for one in completions] for _, completions in asked]

    def grade(self, sample: Sample, completion: Completion) -> Score:
        """Grade one answer. Never raises; where none came, it is unscored and says why."""
        return self.grade_all([(sample, completion)])[0]

    def grade_all(self, given: Sequence[tuple[Sample, Completion]]) -> list[Score]:
        """Grade many answers, in order, as `grade` does; graders that are processes share them."""
        came = [(sample.reference, one.text) for sample, one in given if not one.problem]
        scores = iter(self.grading.grade_all(came))
        return [unscored(one.problem) if one.problem else next(scores) for _, one in given]

    def reward_id(self, sample: Sample) -> str:
        """Who grades this sample's answers."""
        return self.grading.reward_id(sample.reference)

    def rollout(
        self,
        sample: Sample,
        completion: Completion,
        score: Score,
        *,
        purpose: str,
        origin: str,
        round: int,
        k: int,
        seed: int,
        view: Json = None,
    ) -> Rollout:
        """Make the row of evidence for one graded answer."""
        return Rollout(
            sample_id=sample.sample_id,
            policy_id=self.policy.policy_id,
            template_id=self.template.template_id,
            sampling_id=self.sampling.sampling_id,
            purpose=purpose,
            origin=origin,
            round=round,
            k=k,
            sampling=self.sampling.as_json(),
            seed=seed,
            completion=None if completion.problem else completion.text,
            finish_reason=completion.finish_reason,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            reward_id=self.reward_id(sample),
            value=score.value,
            correct=score.correct,
            reason=score.reason,
            components=score.components,
            view=view,
        )

    def introduce(self, connection: Connection) -> None:
        """Write down who is asked and how, before the first answer comes in."""
        import pyarrow as pa

        policy, template = self.policy, self.template
        known = {
            "policy_id": policy.policy_id,
            "name": policy.name,
            "kind": policy.kind,
            "takes": sorted(policy.takes),
            "details": canonical_json(policy.details),
            "first_seen": now(),
        }
        append_new(connection, "policies", pa.Table.from_pylist([known]), key="policy_id")
        shown = {
            "template_id": template.template_id,
            "name": template.name,
            "version": template.version,
            "content": template.content,
        }
        append_new(connection, "templates", pa.Table.from_pylist([shown]), key="template_id")

    @property
    def asked(self) -> dict[str, str]:
        """Ids of who is asked and how, as queries over rollouts take them."""
        return {
            "policy": self.policy.policy_id,
            "template": self.template.template_id,
            "sampling": self.sampling.sampling_id,
        }

    @property
    def identity(self) -> str:
        """Canonical JSON of what decides the answers, for the id of a job."""
        return canonical_json(
            [self.policy.policy_id, self.template.template_id, self.sampling.sampling_id]
        )
