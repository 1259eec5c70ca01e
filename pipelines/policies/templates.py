"""Prompt templates: the versioned, named rules of how a question is put to a policy."""

from collections.abc import Iterable
from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.record.canonical import Json, canonical_json, content_hash
from pipelines.workspace import WrongUse

VIDEO_FRAMES = 8


class PromptTemplate(BaseModel):
    """Everything about a prompt that is not the question itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    """What people call it."""
    version: int = Field(default=1, ge=1)
    """Raised with every change of wording."""
    system: str = ""
    """System prompt; empty for none."""
    instruction: str = ""
    """Appended to the question on a line of its own: how the answer is to be given."""
    thinking: bool = True
    """Whether the policy may think before it answers; if not, a chat template that knows
    `enable_thinking` is told so."""
    audio: Literal["native", "log-mel"] = "log-mel"
    """How clips are shown: as they are, or as a log-mel picture for policies that take none."""
    max_pixels: int = Field(default=1_000_000, ge=1)
    """Pictures with more pixels are scaled down to this before the policy sees them; the frames
    of a video share it."""
    video_frames: int = Field(default=VIDEO_FRAMES, ge=1)
    """How many frames of a video are shown, as pictures and evenly spaced."""

    @cached_property
    def template_id(self) -> str:
        """Name the template by its content."""
        return content_hash(self._said())

    @property
    def content(self) -> str:
        """The template as canonical JSON."""
        return canonical_json(self._said())

    def _said(self) -> dict[str, Json]:
        """All that it says. What came later is said only where it is not as it was before, so
        that ids from before hold."""
        usual: dict[str, Json] = {"thinking": True, "video_frames": VIDEO_FRAMES}
        said: dict[str, Json] = self.model_dump()
        return {key: said[key] for key in said if key not in usual or said[key] != usual[key]}


TEMPLATES = {
    template.name: template
    for template in (
        PromptTemplate(name="plain"),
        PromptTemplate(
            name="boxed",
            instruction="Think step by step, then give the final answer in \\boxed{}.",
        ),
        PromptTemplate(
            name="direct",
            version=2,
            instruction="Answer with only the final answer.",
            thinking=False,
        ),
    )
}


def chat_options(templates: Iterable[PromptTemplate], chat_template: str) -> dict[str, bool]:
    """Give what to tell a chat template beside the messages, for trainers that say it once for all.

    Raises WrongUse when the templates of one run disagree and the chat template would heed it.
    """
    thinking = {template.thinking for template in templates}
    if "enable_thinking" not in chat_template or thinking <= {True}:
        return {}
    if len(thinking) > 1:
        raise WrongUse(
            "this policy's chat template turns thinking on and off by `enable_thinking`, which "
            "holds for all prompts of a run; train the tasks that think and those that do not "
            "in runs of their own"
        )
    return {"enable_thinking": False}


def template_named(name: str) -> PromptTemplate:
    """Find a prompt template. Raises WrongUse, with the known names, when there is none."""
    if name not in TEMPLATES:
        raise WrongUse(f"there is no template {name!r}; known: {', '.join(sorted(TEMPLATES))}")
    return TEMPLATES[name]
