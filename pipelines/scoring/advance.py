"""Many searches at once: their questions are batched, and a finished one makes room for the next.

What a group does is a function of its samples, its seed and the replies it hears: the live
searches are always the first unfinished samples, calls are numbered, and each has its own seed. So
a group that was killed is brought back by hearing again what it had heard.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from pipelines.policies.policy import Completion
from pipelines.record.canonical import content_hash
from pipelines.record.sample import Sample
from pipelines.scoring.ask import Asker
from pipelines.scoring.live import LiveSearch
from pipelines.scoring.tree import SearchRule

KINDS = ("step", "rollout")
"""What the calls ask for, in turn: who hears steps in one asks for the rest in the next."""


@dataclass(frozen=True, slots=True)
class Past:
    """What a group had come to when it was last stored."""

    call: int = 0
    """The call to be made next."""
    finished: frozenset[str] = frozenset()
    """Samples whose search has ended."""
    heard: Mapping[str, Sequence[Sequence[Completion]]] = field(default_factory=dict)
    """By sample: what its search was answered, call by call."""
    verdicts: Mapping[str, Sequence[bool | None]] = field(default_factory=dict)
    """By sample: how its answers were judged."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What one search was answered in one call."""

    search: LiveSearch
    call: int
    completions: Sequence[Completion]


class Group:
    """The searches of some samples, `slots` of them live at a time."""

    def __init__(
        self,
        asker: Asker,
        rule: SearchRule,
        samples: Sequence[Sample],
        *,
        seed: int,
        slots: int,
        past: Past,
    ) -> None:
        self.asker, self.rule = asker, rule
        self.seed, self.slots = seed, slots
        self.call = past.call
        """The next call: even ones ask for steps, odd ones for rollouts."""
        self.live: list[LiveSearch] = []
        self._past = past
        self._waiting = [
            (number, sample)
            for number, sample in enumerate(samples)
            if sample.sample_id not in past.finished
        ]
        self._waiting.reverse()

    @property
    def unfinished(self) -> int:
        """Searches that are live or still wait for their turn."""
        return len(self.live) + len(self._waiting)

    def retire(self) -> list[LiveSearch]:
        """Take out the searches that have ended, and fill up with the next samples."""
        ended = [search for search in self.live if search.ended]
        if ended:
            self.live = [search for search in self.live if not search.ended]
        while self._waiting and len(self.live) < self.slots:
            number, sample = self._waiting.pop()
            begun = self._begin(number, sample)
            (ended if begun.ended else self.live).append(begun)
        return ended

    def asking(self) -> list[LiveSearch]:
        """Whom the next call is for; calls that nobody waits for are passed over."""
        while self.live:
            kind = KINDS[self.call % 2]
            asking = [search for search in self.live if search.ask and search.ask.kind == kind]
            if asking:
                return asking
            self.call += 1
        return []

    def advance(self, asking: Sequence[LiveSearch]) -> list[Heard]:
        """Make the call, let everybody hear, and give what was heard."""
        sampling = self.asker.sampling
        if KINDS[self.call % 2] == "step":
            sampling = replace(sampling, stop=(*sampling.stop, self.rule.step_end))
        seed = int(content_hash([self.seed, self.call])[:8], 16)
        requests = [search.request for search in asking]
        answers = self.asker.policy.sample(requests, sampling, seed)
        for search, completions in zip(asking, answers, strict=True):
            search.hear(completions)
        self._judge(asking)
        self.call += 1
        return [
            Heard(search, self.call - 1, completions)
            for search, completions in zip(asking, answers, strict=True)
        ]

    def _begin(self, number: int, sample: Sample) -> LiveSearch:
        """Start a sample's search, and bring it to where it was."""
        verdicts = self._past.verdicts.get(sample.sample_id, ())
        search = LiveSearch(self.asker, sample, self.rule, (self.seed, number), verdicts)
        for completions in self._past.heard.get(sample.sample_id, ()):
            search.hear(completions)
            self._judge([search])
        return search

    def _judge(self, searches: Sequence[LiveSearch]) -> None:
        """Grade the answers that wait for it, all at once, until none does."""
        judging = searches
        while judging := [search for search in judging if search.whole]:
            given = [(s.sample, s.whole.answer) for s in judging if s.whole]
            for search, score in zip(judging, self.asker.grade_all(given), strict=True):
                search.learn(score)
