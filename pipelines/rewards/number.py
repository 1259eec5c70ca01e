"""Numbers, with the unit where the reference has one."""

from fractions import Fraction

from pipelines.record.sample import Answer, Reference
from pipelines.rewards.final_answer import final_answer
from pipelines.rewards.quantities import (
    PERCENT_UNITS,
    NotOneNumber,
    Quantity,
    exactly,
    read_quantity,
)
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, compared, wrong
from pipelines.rewards.units import Unit, factor_between, units_of

NONE = Fraction(0)
"""No error at all."""


@reward("number", version=2)
def number(reference: Reference, completion: str) -> Score:
    """Give full marks to the one number that the final answer states, within the tolerance.

    A unit may be left out, but one that is stated counts: 500 cm are 5 m, 5 km are not. A
    percentage is hundredths, unless the reference itself is in percent.
    """
    answer, found = reference.answer, final_answer(completion)
    if not found.text:
        return wrong(f"expected {answer.value}, found {found.found_by}")
    gold = exactly(str(answer.value))
    most = allowed(answer, gold)
    try:
        given = in_units_of(answer, read_quantity(found.text))
    except NotOneNumber as error:
        return wrong(f"expected {answer.value}, found {error}")
    return compared(shown(given), answer.value, abs(given - gold) <= most)


def in_units_of(answer: Answer, given: Quantity) -> Fraction:
    """Give the number in the reference's unit. Raises NotOneNumber where it measures otherwise."""
    wanted = units_of(answer.unit)
    if given.units == PERCENT_UNITS and wanted != PERCENT_UNITS:
        return given.value / 100
    if not answer.unit or not given.units:
        return given.value
    factor = factor_between(given.units, wanted)
    if factor is None:
        raise NotOneNumber(f"{_named(given.units)} where {answer.unit} should be")
    return given.value * factor


def allowed(answer: Answer, gold: Fraction) -> Fraction:
    """The largest error that still counts: absolute, or a share of the reference such as `1%`.

    Raises ValueError for a tolerance that is neither.
    """
    said = answer.tolerance
    if not said:
        return NONE
    return abs(gold) * Fraction(said[:-1]) / 100 if said.endswith("%") else Fraction(said)


def shown(value: Fraction) -> str:
    """Write a number for people."""
    return str(value) if value.denominator == 1 else str(float(value))


def _named(units: frozenset[Unit]) -> str:
    return " or ".join(sorted(unit.dimension for unit in units))
