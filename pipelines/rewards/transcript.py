"""What was said, word for word."""

from collections.abc import Sequence

from pipelines.record.sample import Reference
from pipelines.rewards.final_answer import final_answer
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score
from pipelines.rewards.text import normal_text


@reward("transcript", version=1)
def transcript(reference: Reference, completion: str) -> Score:
    """Give one minus the word error rate; only a transcript without errors is correct."""
    answer = reference.answer
    found = final_answer(completion)
    heard = completion if found.found_by == "last_line" else found.text
    given = normal_text(heard).split()
    rate = min(
        word_error_rate(normal_text(str(gold)).split(), given)
        for gold in (answer.value, *answer.variants)
    )
    value = max(0.0, 1.0 - rate)
    return Score(value, rate == 0, f"word error rate {rate:.2f}", {"word_error_rate": rate})


def word_error_rate(gold: Sequence[str], given: Sequence[str]) -> float:
    """Count the words to insert, delete or replace, per word of the reference.

    What is over twice as long as the reference has a rate of at least one and is not compared.
    """
    if not gold:
        return 1.0
    if len(given) > 2 * len(gold):
        return (len(given) - len(gold)) / len(gold)
    costs = list(range(len(given) + 1))
    for row, word in enumerate(gold, start=1):
        diagonal, costs[0] = costs[0], row
        for column, other in enumerate(given, start=1):
            replaced = diagonal + (word != other)
            diagonal = costs[column]
            costs[column] = min(replaced, costs[column] + 1, costs[column - 1] + 1)
    return costs[-1] / len(gold)
