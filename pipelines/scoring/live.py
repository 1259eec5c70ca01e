"""One sample's search under way: it puts the tree's questions, hears answers and has them judged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from pipelines.policies.policy import Completion, Request
from pipelines.policies.render import CannotShow, render
from pipelines.record.media import BadMedia
from pipelines.record.sample import Sample
from pipelines.rewards import Score
from pipelines.scoring.ask import Asker
from pipelines.scoring.faithful import published
from pipelines.scoring.pruned import pruned
from pipelines.scoring.tree import Ask, Search, SearchRule, Tree, Whole

PATIENCE = 3
"""Times in a row that a question is put again because no answer came."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A whole answer with its grade: the k-th that this search judged."""

    k: int
    answer: Completion
    score: Score


class LiveSearch:
    """A tree with its sample, and what its search has cost."""

    def __init__(
        self,
        asker: Asker,
        sample: Sample,
        rule: SearchRule,
        seed: Sequence[int],
        verdicts: Sequence[bool | None] = (),
    ) -> None:
        self.asker, self.sample = asker, sample
        self.tree = Tree(rule, np.random.default_rng(seed))
        self.ask: Ask | None = None
        """The open question to the policy."""
        self.whole: Whole | None = None
        """The answer that waits to be judged."""
        self.problem = ""
        """Why the search was given up, which says nothing about the sample."""
        self.tokens = 0
        self._verdicts = verdicts
        """How its first answers were judged, before it was killed."""
        self._judged: list[Judged] = []
        self._count = self._misses = self._prompt_tokens = 0
        self._answered: list[Completion] = []
        self._steps: Search = (published if rule.mode == "faithful" else pruned)(self.tree)
        try:
            self._request = render(sample, asker.template, asker.read, asker.policy.takes)
        except (CannotShow, BadMedia) as error:
            self.problem = str(error)
        else:
            self._go_on(None)

    @property
    def ended(self) -> bool:
        """Nothing is to be asked or judged any more."""
        return self.ask is None and self.whole is None

    @property
    def missing(self) -> int:
        """Continuations that the open question still lacks."""
        return self.ask.n - len(self._answered) if self.ask else 0

    @property
    def request(self) -> Request:
        """The open question, as the policy sees it."""
        assert self.ask is not None
        return replace(self._request, prefix=self.ask.prefix, n=self.missing)

    def hear(self, completions: Sequence[Completion]) -> None:
        """Take what was answered, and go on to the next question when nothing is missing."""
        self.tokens += sum(completion.completion_tokens for completion in completions)
        answered = [completion for completion in completions if not completion.problem]
        self._answered += answered
        # The first question has no prefix, so that its prompt is that of every whole answer.
        if answered and not self._prompt_tokens:
            self._prompt_tokens = answered[0].prompt_tokens
        if not self.missing:
            given, self._answered, self._misses = self._answered, [], 0
            self._go_on(given)
        elif answered:
            self._misses = 0
        elif self._misses == PATIENCE:
            self.ask, self.problem = None, completions[0].problem
        else:
            self._misses += 1

    def learn(self, score: Score) -> None:
        """Take the grade of the answer that waited, and go on."""
        assert self.whole is not None
        if not self.whole.again:
            answer = replace(self.whole.answer, prompt_tokens=self._prompt_tokens)
            self._judged.append(Judged(self._count, answer, score))
            self._count += 1
        self._go_on(score.correct)

    def take_judged(self) -> list[Judged]:
        """Give the answers that were judged since this was last asked, and forget them."""
        judged, self._judged = self._judged, []
        return judged

    def _go_on(self, sent: Sequence[Completion] | bool | None) -> None:
        try:
            wish = self._steps.send(sent)
        except StopIteration:
            self.ask = self.whole = None
            if self.tree.unscored == self.tree.iterations:
                self.problem = "no answer could be graded"
            return
        self.ask, self.whole = (wish, None) if isinstance(wish, Ask) else (None, wish)
        if self.whole and not self.whole.again and self._count < len(self._verdicts):
            self._count += 1
            self._go_on(self._verdicts[self._count - 1])
