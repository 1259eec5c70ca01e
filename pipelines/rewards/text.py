"""Short texts, compared without regard to case, spacing and the punctuation around words."""

import re
import unicodedata

from pipelines.record.sample import Reference
from pipelines.rewards.final_answer import final_answer
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, compared

_APOSTROPHE = re.compile(r"['’`]")
# Signs that change what is meant stay: -5, 0.5, C#, 50%, a/b.
_PUNCTUATION = re.compile(r"[!?\"“”„«»;:()\[\]{}…_]|(?<![0-9])[.,]|[.,](?![0-9])|[-–—](?![0-9])")


@reward("text", version=1)
def text(reference: Reference, completion: str) -> Score:
    """Give full marks to a final answer that is the reference or one of its variants."""
    answer = reference.answer
    given = normal_text(final_answer(completion).text)
    accepted = {normal_text(str(gold)) for gold in (answer.value, *answer.variants)} - {""}
    return compared(given, answer.value, given in accepted)


def normal_text(raw: str) -> str:
    """Write a text in the form in which it is compared."""
    folded = unicodedata.normalize("NFKC", raw).casefold()
    spaced = _PUNCTUATION.sub(" ", _APOSTROPHE.sub("", folded))
    return " ".join(spaced.split())
