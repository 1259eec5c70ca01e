"""What a policy is to the rest: something with an identity that answers batches of requests."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol

from pipelines.record.canonical import Json, content_hash
from pipelines.record.media import MediaKind

if TYPE_CHECKING:
    from PIL import Image

FinishReason = Literal["stop", "length", "error"]
"""`error`: no answer came, which is nobody's wrong answer; `Completion.problem` says why."""


class PolicyUnavailable(RuntimeError):
    """Nobody answers, or somebody else than before: the job stops here, and the message says why."""


@dataclass(frozen=True)
class Sampling:
    """How answers are drawn; `sampling_id` names the whole of it."""

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 64
    stop: tuple[str, ...] = ()
    """Texts that end an answer; they stay in it."""

    def as_json(self) -> dict[str, Json]:
        """Give the form that is stored and hashed; fractions are decimal strings."""
        return {
            "temperature": f"{self.temperature:g}",
            "top_p": f"{self.top_p:g}",
            "max_tokens": self.max_tokens,
            "stop": self.stop,
        }

    @cached_property
    def sampling_id(self) -> str:
        """Name these settings by their content."""
        return content_hash(self.as_json())


@dataclass(frozen=True)
class Request:
    """One rendered prompt to be answered `n` times."""

    messages: Sequence[Mapping[str, Any]]
    """Chat messages whose content is a list of blocks."""
    images: "tuple[Image.Image, ...]" = field(default=(), repr=False)
    """Pictures for the image blocks, in order."""
    n: int = 1
    prefix: str = ""
    """A beginning of the answer that is to be continued."""
    thinking: bool = True
    """Whether the policy may think first; if not, its chat template is told so."""


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer, without its prefix."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    problem: str = ""
    """Why there is no answer; empty when there is one."""


class Policy(Protocol):
    """A model that answers, with everything that decides its answers."""

    @property
    def details(self) -> Mapping[str, Json]:
        """What else is worth keeping of it beside its id, such as where it is served."""
        ...

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def kind(self) -> str:
        """How it is reached: `transformers`, `scripted`, …"""
        ...

    @property
    def policy_id(self) -> str:
        """Hash of weights, revision, processor and chat template."""
        ...

    @property
    def takes(self) -> frozenset[MediaKind]:
        """The kinds of media it can be shown as they are."""
        ...

    def sample(
        self, requests: Sequence[Request], sampling: Sampling, seed: int
    ) -> list[list[Completion]]:
        """Answer each request `n` times. Equal batches with equal seeds give equal answers.

        One request that cannot be answered gives completions that say why. Raises
        PolicyUnavailable when nothing can be answered any more.
        """
        ...
