"""A policy that answers from a function: for tests, and to try a pipeline without a model."""

from collections.abc import Callable, Mapping, Sequence

from pipelines.policies.policy import Completion, Request, Sampling
from pipelines.record.canonical import Json, content_hash
from pipelines.record.media import MediaKind

Script = Callable[[Request, int, int], str]
"""From (request, index among its n answers, seed) to an answer."""


class ScriptedPolicy:
    """Answers what the script says; one character counts as one token."""

    kind = "scripted"
    takes: frozenset[MediaKind] = frozenset({"image", "audio", "video"})

    def __init__(self, script: Script, name: str = "scripted") -> None:
        self.script = script
        self.name = name
        self.policy_id = content_hash(["scripted", name])
        self.details: Mapping[str, Json] = {}
        self.calls = 0

    def sample(
        self, requests: Sequence[Request], sampling: Sampling, seed: int
    ) -> list[list[Completion]]:
        """Ask the script `n` times per request."""
        self.calls += 1
        return [
            [self._answer(request, k, sampling, seed + number) for k in range(request.n)]
            for number, request in enumerate(requests)
        ]

    def _answer(self, request: Request, k: int, sampling: Sampling, seed: int) -> Completion:
        text = self.script(request, k, seed)
        ends = [text.find(stop) + len(stop) for stop in sampling.stop if stop in text]
        text = text[: min(ends)] if ends else text
        cut = text[: sampling.max_tokens]
        prompt = sum(len(b.get("text", "")) for m in request.messages for b in m["content"])
        reason = "stop" if cut == text else "length"
        return Completion(cut, reason, prompt + len(request.prefix), len(cut))  # type: ignore[arg-type]
