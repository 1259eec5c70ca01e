"""Mathematical expressions, compared by math-verify in a process that is killed when it hangs."""

import re

from pipelines.record.sample import Reference
from pipelines.rewards.final_answer import final_answer, is_denied
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, compared, unscored, wrong
from pipelines.worker import NoAnswer, Pool

LONGEST_EXPRESSION = 500
DEEPEST_EXPRESSION = 30

_INLINE = re.compile(r"\$([^$]+)\$|\\\((.+?)\\\)")
_PLAIN_NUMBER = re.compile(r"-?[0-9][0-9,]*(?:\.[0-9]+)?")
_UNDONE = re.compile(r"[\w)}]\s*(?:[-+*/]|\\times|\\cdot|\\div)\s*[\w({\\]")


VERIFIERS = Pool("pipelines.rewards.latex_worker")


@reward("math", version=2, waits=True)
def latex(reference: Reference, completion: str, *, seconds: float = 5.0) -> Score:
    """Give full marks to an expression that equals the reference; one that hangs is unscored."""
    answer = reference.answer
    found = final_answer(completion)
    given = _expression(found.text)
    if not given:
        return wrong(f"expected {str(answer.value)[:80]!r}, found {found.found_by}")
    if (problem := _problem(str(answer.value), given)) is not None:
        return wrong(f"expected {str(answer.value)[:80]!r}, found {problem}: {given[:80]!r}")
    try:
        same = VERIFIERS.ask([str(answer.value), given], seconds)
    except NoAnswer as error:
        return unscored(f"comparing {given[:80]!r} {error}")
    if same is None:
        return unscored(f"comparing {given[:80]!r} failed")
    return compared(given, answer.value, same)


def _expression(text: str) -> str:
    """Give the one formula of a sentence, or a text that has none as it is."""
    formulas = {match[1] or match[2] for match in _INLINE.finditer(text)}
    return formulas.pop().strip() if len(formulas) == 1 else text


def _problem(gold: str, given: str) -> str | None:
    """Say why an expression is not worth comparing, or would be right without being an answer."""
    if len(given) > LONGEST_EXPRESSION:
        return "an expression too long"
    depth = deepest = 0
    for sign in re.sub(r"\\[{}]", "", given):
        depth += (sign in "({[") - (sign in ")}]")
        deepest = max(deepest, depth)
        if depth < 0:
            return "unbalanced brackets"
    if deepest > DEEPEST_EXPRESSION:
        return "brackets nested too deep"
    # The sum that a question asks for equals its result; repeating it is no answer.
    if _PLAIN_NUMBER.fullmatch(gold) and _UNDONE.search(given.rpartition("=")[2]):
        return "a calculation left undone"
    return "a denial" if is_denied(given) else None
