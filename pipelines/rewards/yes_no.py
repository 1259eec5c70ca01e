"""Yes or no, true or false."""

import re

from pipelines.record.sample import Reference
from pipelines.rewards.final_answer import final_answer, is_negated
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, compared, wrong

_SAID = re.compile(r"(\bnot\s+|n['’]t\s+)?\b(yes|no|true|false|correct|incorrect)\b", re.IGNORECASE)
_YES = frozenset({"yes", "true", "correct"})


@reward("bool", version=1)
def yes_no(reference: Reference, completion: str) -> Score:
    """Give full marks to a final answer that says yes or no, and not both.

    `not true` is a no; any other denial needs the yes or no before it.
    """
    answer = reference.answer
    text = final_answer(completion).text
    gold = "yes" if answer.value else "no"
    matches, said = list(_SAID.finditer(text)), said_of(text)
    if len(said) != 1:
        return wrong(f"expected {gold}, found {'both' if said else 'neither'} in {text[:80]!r}")
    if matches[0].start() > 1 and is_negated(_SAID.sub("", text)):
        return wrong(f"expected {gold}, found a denial: {text[:80]!r}")
    given = said.pop()
    return compared("yes" if given else "no", gold, given is bool(answer.value))


def said_of(text: str) -> set[bool]:
    """Give what a text says: yes, no, both or neither."""
    return {(m[2].casefold() in _YES) != bool(m[1]) for m in _SAID.finditer(text)}
