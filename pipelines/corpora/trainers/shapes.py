"""Where each trainer's format keeps its parts: the one table that tells the formats apart.

Names are tried in order; the first that a row has counts. `a.b` is the field `b` of the struct `a`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.record.media import MediaKind

_MEDIA: Mapping[MediaKind, tuple[str, ...]] = {
    "image": ("images", "image"),
    "video": ("videos", "video"),
    "audio": ("audios", "audio"),
}


@dataclass(frozen=True, slots=True)
class Shape:
    """The columns of one format."""

    prompt: tuple[str, ...]
    gold: tuple[str, ...]
    """Where none is there, a conversation's last answer is the gold."""
    media: Mapping[MediaKind, tuple[str, ...]] = field(default_factory=lambda: _MEDIA)
    system: tuple[str, ...] = ("system", "system_prompt")
    options: tuple[str, ...] = ("options", "choices")
    task: tuple[str, ...] = ("task", "ability", "category", "problem_type")
    split: tuple[str, ...] = ("split", "extra_info.split")
    own: tuple[str, ...] = ("curricle", "extra_info.curricle")


SHAPES: dict[str, Shape] = {
    "trl": Shape(("prompt", "problem"), ("solution", "answer", "ground_truth", "completion")),
    "verl": Shape(
        ("prompt",), ("reward_model.ground_truth", "extra_info.answer", "ground_truth", "answer")
    ),
    "easyr1": Shape(("problem", "prompt", "question"), ("answer", "ground_truth", "solution")),
    "ms-swift": Shape(
        ("messages", "conversations", "conversation", "query", "prompt", "question", "problem"),
        ("solution", "response", "answer", "target"),
    ),
    "llama-factory": Shape(
        ("conversations", "messages", "instruction"), ("solution", "output", "answer")
    ),
    "lmms-lab": Shape(("problem", "original_question"), ("solution", "original_answer")),
    # Its relatives too: ThinkLite has `problem` and `answer`, Curr-ReFT `problem` and `solution`.
    "vlm-r1": Shape(("conversations", "problem", "question"), ("solution", "answer")),
    "openai-rft": Shape(("messages",), ("reference_answer", "answer", "solution")),
}


def first(fields: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    """Give the first of these that a row has and that is not empty; None where it has none."""
    for name in names:
        value: Any = fields
        for part in name.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        if value is not None and value not in ("", []):
            return value
    return None
