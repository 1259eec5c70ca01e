"""The words of a question and what counts as its answer, in plain values: what text transforms change."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, in words, and the answer as far as a transform may have to change it."""

    texts: tuple[str, ...]
    """What the user says, text by text, without the media between."""
    kind: str = "text"
    """Of the answer: number, choice, text, bool, box, boxes, point, …"""
    value: Any = ""
    """The answer: a decimal string, a letter, a text, true or false, or lists of coordinates."""
    options: tuple[str, ...] = ()
    """The texts behind the letters of a choice."""
    variants: tuple[str, ...] = ()
    """Other texts that count as the same answer."""
    unit: str = ""
    tolerance: str = ""
    around: tuple[str, ...] = ()
    """Other texts of the prompt, which nothing may change: a system's, or earlier answers."""

    @property
    def text(self) -> str:
        """All that the user says."""
        return "\n".join(self.texts)

    @property
    def answers(self) -> tuple[str, ...]:
        """Every text that stands for an answer, right or wrong."""
        said = self.value if isinstance(self.value, str) else ""
        return tuple(text for text in (said, *self.options, *self.variants) if text)
