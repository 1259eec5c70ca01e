"""Prompt templates: the versioned, named rules of how a question is put to a policy."""

from functools import cached_property
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pipelines.record.canonical import canonical_json, content_hash
from pipelines.workspace import WrongUse


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
    audio: Literal["native", "log-mel"] = "log-mel"
    """How clips are shown: as they are, or as a log-mel picture for policies that take none."""
    max_pixels: int = Field(default=1_000_000, ge=1)
    """Pictures with more pixels are scaled down to this before the policy sees them."""

    @cached_property
    def template_id(self) -> str:
        """Name the template by its content."""
        return content_hash(self.model_dump())

    @property
    def content(self) -> str:
        """The template as canonical JSON."""
        return canonical_json(self.model_dump())


TEMPLATES = {
    template.name: template
    for template in (
        PromptTemplate(name="plain"),
        PromptTemplate(
            name="boxed",
            instruction="Think step by step, then give the final answer in \\boxed{}.",
        ),
        PromptTemplate(name="direct", instruction="Answer with only the final answer."),
    )
}


def template_named(name: str) -> PromptTemplate:
    """Find a prompt template. Raises WrongUse, with the known names, when there is none."""
    if name not in TEMPLATES:
        raise WrongUse(f"there is no template {name!r}; known: {', '.join(sorted(TEMPLATES))}")
    return TEMPLATES[name]
