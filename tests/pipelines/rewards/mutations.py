"""Answers made of real ones, each with the verdict that it must get by construction.

A rollout is a question, its reference, some work and the number that it came to. A mutation says
that number, or another one, as models say it: in boxes, words, dollars, with a unit, with doubts.
Nothing here looks at how the rewards read: what is right follows from arithmetic alone.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import NamedTuple

from pipelines.record.sample import Answer, Reference

EACH = 4
"""Kinds of mutation that each rollout goes through, by turns."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """A solution that a model wrote, and the number that it came to."""

    question: str
    gold: int
    work: str
    given: Decimal

    @property
    def is_right(self) -> bool:
        return self.given == self.gold


class Mutation(NamedTuple):
    """A completion with the verdict that it must get."""

    kind: str
    reference: Reference
    completion: str
    right: bool


Family = Callable[[Rollout], Iterator[tuple[Answer, str, bool]]]
EXTRACT = [
    ("Ann has 3 boxes of 12 eggs and breaks 6. How many are whole?", 30, "3*12=36\n36-6=30", 30),
    ("A ticket costs $45. What do 24 tickets cost?", 1080, "24 * $45 = $<<24*45=1080>>1080", 1080),
    ("How many minutes are 7 hours?", 420, "7 hours are 7*60=420 minutes.", 420),
    ("Bo walks 4 km each day. How far does he walk in 3 weeks?", 84, "3*7=21 days, 21*4=84", 84),
    ("Half of 50 pupils and 4 teachers go. How many go?", 29, "50/2=25\n25+4=29", 29),
    ("Half of 50 pupils and 4 teachers go. How many go?", 29, "50+4=54\n54/2=27", 27),
    ("A phone of $1,200 is sold for $900. What is lost?", 300, "1200-900=200", 200),
    (
        "Each of 9 rows has 16 seats. How many seats are there?",
        144,
        "9 * 16 = <<9*16=144>>144",
        144,
    ),
    ("Mia saves $15 a week. What has she after a year?", 780, "52 weeks * $15 = $780", 780),
    ("Mia saves $15 a week. What has she after a year?", 780, "12 months * $15 = $180", 180),
    ("Sam reads 25 pages a day. When has he read 200?", 8, "200 / 25 = 8 days", 8),
    ("Zoe is twice as old as Max, who is 21. How old is she?", 42, "2*21=42", 42),
]
"""Rollouts of our own making, for where the corpus is not."""


def rollouts() -> list[Rollout]:
    """The 1,600 published solutions to GSM8K, or ours where they are absent."""
    root = os.environ.get("CURRICLE_TEST_CORPORA")
    if root is None:
        return [Rollout(q, gold, work, Decimal(given)) for q, gold, work, given in EXTRACT]
    path = Path(root) / "gsm8k/grade_school_math/data/example_model_solutions.jsonl"
    return [one for line in path.read_text().splitlines() for one in _published(json.loads(line))]


def mutations() -> Iterator[Mutation]:
    """Give every rollout some mutations, so that each kind meets many rollouts."""
    several = rollouts()
    each = EACH if len(several) > 100 else len(FAMILIES)
    for i, rollout in enumerate(several):
        for j in range(each):
            family = FAMILIES[(i * EACH + j) % len(FAMILIES)]
            for answer, completion, right in family(rollout):
                yield Mutation(family.__name__, Reference(answer), completion, right)


def _published(record: dict[str, object]) -> Iterator[Rollout]:
    gold = int(str(record["ground_truth"]).rpartition("A:")[2].replace(",", ""))
    for outcome in (value for value in record.values() if isinstance(value, dict)):
        work, _, given = outcome["solution"].rpartition("A:")
        try:
            number = Decimal(given.strip().replace(",", ""))
        except InvalidOperation:  # a sum left undone, or no answer: nothing to mutate
            continue
        assert (number == gold) is outcome["is_correct"]
        yield Rollout(str(record["question"]), gold, work.strip(), number)


def _plain(number: Decimal | int) -> str:
    return format(Decimal(number).normalize(), "f")


def marked(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """The answer behind each usual mark."""
    gold, n = Answer.number(r.gold), _plain(r.given)
    for ending in (
        f"\\boxed{{{n}}}",
        f"#### {n}",
        f"<answer>{n}</answer>",
        f"Answer: {n}",
        f"**Answer:** {n}",
        f"**Answer: {n}**",
        f"### Final Answer\n\n{n}",
        f"The answer is {n}.",
        f"Therefore, the final answer is: {n}",
        f"Final Answer: The final answer is ${n}$. I hope it is correct.",
        f"ANSWER: {n}",
        f"Ans: {n}",
        f"= {n}",
        f"So the answer is $\\boxed{{{n}}}$.",
        f"$$\\boxed{{{n}}}$$",
    ):
        yield gold, f"{r.work}\n{ending}", r.is_right
    yield gold, f"<think>\n{r.work}\n</think>\n\n{n}", r.is_right
    yield gold, f"<think>{r.work}</think><answer>\\boxed{{{n}}}</answer>", r.is_right


def dressed(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """Emphasis, LaTeX, quotes and brackets around the number."""
    gold, n = Answer.number(r.gold), _plain(r.given)
    dresses = (
        f"**{n}**", f"*{n}*", f"`{n}`", f"${n}$", f"\\({n}\\)", f"\\[{n}\\]", f"$$ {n} $$",
        f"({n})", f"[{n}]", f'"{n}"', f"\\text{{{n}}}", f"\\mathbf{{{n}}}", f"{n}.", f"{n} ✅",
        f"x = {n}", f"$x = {n}$", f"It is {n}!",
    )  # fmt: skip
    for dress in dresses:
        yield gold, f"{r.work}\n{dress}", r.is_right
        yield gold, f"{r.work}\n\\boxed{{{n}}} {dress}", r.is_right


def with_thousands(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """Separators, and decimals that say nothing."""
    scaled = r.given * 1000 + 80
    gold, n = Answer.number(r.gold * 1000 + 80), int(scaled)
    if scaled != n:
        return
    for text in (f"{n:,}", f"${n:,}.00", f"{n:,}.0", f"{n:,}".replace(",", "{,}"), f"{n}.000"):
        yield gold, f"{r.work}\nA: {text}", r.is_right
    yield gold, f"{r.work}\nA: {n:,}".replace(",", "\u202f"), r.is_right
    yield gold, f"{r.work}\nA: {n * 10:,}", r.is_right and n == 0
    yield gold, f"{r.work}\nA: {n // 1000}", False
    yield gold, f"{r.work}\nA: {n // 1000},080,000", False


def in_a_sentence(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """The number with what is counted, and prose behind it."""
    gold, n = Answer.number(r.gold), _plain(r.given)
    for sentence in (
        f"So there are {n} apples in total.",
        f"Therefore, the total cost is ${n}.",
        f"She has {n} left at the end of the day.",
        f"The total comes to {n} dollars per week.",
        f"Hence {n} people can be seated.",
        f"- Total: {n}",
        f"Total = ${n}",
        f"That makes {n} altogether, which answers the question.",
    ):
        yield gold, f"{r.work}\n{sentence}", r.is_right
    for courtesy in (
        "I hope this helps!",
        "Let me know if you have any other questions.",
        "Does that make sense?",
        "Feel free to ask for more help.\nHave a great day!",
    ):
        yield gold, f"{r.work}\nA: {n}\n\n{courtesy}", r.is_right
        yield gold, f"{r.work}\nThe answer is **{n}**.\n{courtesy}", r.is_right
    yield gold, f"{r.work}\n#### {n}\nThis is because we added the 3 parts.", r.is_right
    yield gold, f"{r.work}\n\\boxed{{{n}}}\nIn other words, all 7 of them got a share.", r.is_right


def in_words(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """Number words, as an English speaker writes them."""
    if r.given != int(r.given) or not 0 <= r.given < 10**6:
        return
    gold, words = Answer.number(r.gold), _english(int(r.given))
    yield gold, f"{r.work}\nThe answer is {words}.", r.is_right
    yield gold, f"{r.work}\n\\boxed{{\\text{{{words}}}}}", r.is_right
    yield gold, f"{r.work}\nAnswer: {words.capitalize()}", r.is_right
    if r.given > 1:
        yield gold, f"{r.work}\n{words} apples", r.is_right
    yield gold, f"{r.work}\n{words} ({int(r.given)})", r.is_right
    yield gold, f"{r.work}\n{_english(int(r.given) + 1)} ({int(r.given)})", False
    yield gold, f"{r.work}\nThe answer is {_english(r.gold + 1)}.", False
    yield gold, f"{r.work}\nThe answer is {_english(r.gold)} hundred.", r.gold == 0
    yield gold, f"{r.work}\nThe answer is minus {_english(r.gold + 1)}.", False


def off(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """Numbers beside the reference: by one, in sign, in scale, in digits."""
    gold, g = Answer.number(r.gold), r.gold
    wrongs: list[int | str] = [
        g + 1, g - 1, g * 10 + 5, f"1{g}", f"{g}5", f"{g}.5", f"{g}.01", f"{g} thousand",
        f"{g} million", f"{g}k", f"{g}e3", f"{g} dozen", f"{g}/7", f"{g}^2", f"{g} and a half",
        f"{g} 1/2", f"√{g}", f"{g}π", f"{g}x", f"{g}i", f"±{g}",
    ]  # fmt: skip
    wrongs += [f"-{g}", f"−{g}", f"minus {g}", f"${-g}", f"negative {g}"] if g else []
    wrongs += [f"{g}0", f"0.{g}", str(g)[:-1] or "none", str(g)[::-1] + "1"] if g else []
    zero = {f"{g} thousand", f"{g} million", f"{g}k", f"{g}e3", f"{g} dozen", f"{g}/7", f"{g}^2"}
    for text in wrongs:
        if g == 0 and (text in zero or str(text) in ("√0", "0π", "0x", "0i", "±0")):
            continue
        yield gold, f"{r.work}\nA: {text}", False
        yield gold, f"{r.work}\n\\boxed{{{text}}}", False


def hedged(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """Two answers, bounds and denials: whoever says them has not answered."""
    gold, g = Answer.number(r.gold), r.gold
    for hedge in (
        f"{g} or {g + 1}", f"either {g + 2} or {g}", f"between {g} and {g + 3}", f"{g}-{g + 2}",
        f"{g}, {g + 1}", f"{g} to {g + 1}", f"at least {g}", f"more than {g}", f"less than {g}",
        f"at most {g}", f"{g} or more", f">{g}", f"≤ {g}", f"not {g}", f"definitely not {g}",
        f"anything but {g}", f"{g} is wrong", f"never {g}", f"approximately {g + 1}", f"{g}?",
        f"{g} is not right", f"it isn't {g}", f"other than {g}", f"{g} ± 1", f"{g + 1} ({g})",
    ):  # fmt: skip
        yield gold, f"{r.work}\n{hedge}", False
        yield gold, f"{r.work}\nThe answer is {hedge}", False


def several(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """Several boxes, tags and answers: the last word counts, and boxes must agree."""
    gold, g, n = Answer.number(r.gold), r.gold, _plain(r.given)
    yield gold, f"{r.work}\n\\boxed{{{g}}} \\boxed{{{g + 1}}}", False
    yield gold, f"\\boxed{{{g + 1}}}\n{r.work}\n\\boxed{{{g}}}", False
    yield gold, " ".join(f"\\boxed{{{k}}}" for k in range(g, g + 50)), False
    yield gold, f"<answer>{g}</answer><answer>{g + 1}</answer>", False
    yield gold, f"\\boxed{{{n}}}\n{r.work}\nAs I said: \\boxed{{{n}}}", r.is_right
    yield gold, f"A: {g + 1}\nWait, let me check again.\n{r.work}\nA: {n}", r.is_right
    yield gold, f"A: {g}\nWait, let me check again.\n{r.work}\nA: {g + 1}", False
    yield gold, f"Answer: {g}\nNo, that is a mistake.\nAnswer: {g + 2}", False
    yield gold, f"<think>\\boxed{{{g}}}</think> {r.work}\n\\boxed{{{g + 1}}}", False
    yield gold, f"<think>It is {g}.\n{r.work}", False
    yield gold, f"The answer is {g}, or maybe {g + 1}.", False


def evasive(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """Whatever else a policy may say instead of answering."""
    gold, g = Answer.number(r.gold), r.gold
    yield gold, "", False
    yield gold, " \n\t ", False
    yield gold, "I'm sorry, but I cannot answer that.", False
    yield gold, r.question, False
    yield gold, f"{r.question}\n{r.question}", False
    yield gold, f"Is it {g}?", False
    yield gold, " ".join(map(str, range(g - 5, g + 6))), False
    yield gold, "\n".join(f"({letter}) {g + i}" for i, letter in enumerate("ABCD")), False
    yield gold, f"A: {g - 2} + 2", False
    yield gold, f"A: {2 * g + 2} / 2 - 1", False
    yield gold, f"\\boxed{{{g}\\boxed{{{g + 1}}}}}", False
    yield gold, "(" * 300 + str(g + 1) + ")" * 300, False
    yield gold, f"{g}\x00", False
    yield gold, "\\boxed{}", False
    yield gold, f"{r.work}\nA:", False


def with_units(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """A unit in the reference: the same, another name of it, a multiple of it, another one."""
    n, right = r.given, r.is_right
    for unit, same, multiples, others in (
        ("km", ("kilometers", "kilometres", "km"), ((1000, "m"),), ("m", "miles", "kg", "hours")),
        ("hours", ("h", "hrs", "hour"), ((60, "minutes"), (3600, "s")), ("minutes", "days", "km")),
        ("kg", ("kilograms", "kgs"), ((1000, "g"),), ("g", "pounds", "liters", "oz")),
        ("dollars", ("dollars", "USD"), ((100, "cents"),), ("cents", "euros", "pounds", "hours")),
        ("cm", ("centimeters",), ((10, "mm"),), ("m", "inches", "cm^2", "mm")),
        ("liters", ("L", "litres"), ((1000, "ml"),), ("ml", "gallons", "kg")),
    ):
        gold = Answer.number(r.gold, unit=unit)
        yield gold, f"{r.work}\nA: {_plain(n)}", right
        for name in same:
            yield gold, f"{r.work}\nA: {_plain(n)} {name}", right
            yield gold, f"{r.work}\n\\boxed{{{_plain(n)}\\text{{ {name}}}}}", right
        for factor, name in multiples:
            yield gold, f"{r.work}\nA: {_plain(n * factor)} {name}", right
        if r.gold:
            for name in others:
                yield gold, f"{r.work}\nA: {r.gold} {name}", False
    dollars = Answer.number(r.gold, unit="$")
    yield dollars, f"{r.work}\nA: ${_plain(n)}", right
    if r.gold:
        yield dollars, f"{r.work}\nA: €{r.gold}", False
        yield dollars, f"{r.work}\nA: £{r.gold}", False


def as_shares(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """Percentages, fractions, mixed numbers and powers of ten."""
    n, g, right = r.given, r.gold, r.is_right
    percent, share = Answer.number(g, unit="%"), Answer.number(_plain(Decimal(g) / 100))
    for text in (f"{_plain(n)}%", f"{_plain(n)} %", f"{_plain(n)} percent", f"${_plain(n)}\\%$"):
        yield percent, f"{r.work}\nA: {text}", right
        yield share, f"{r.work}\nA: {text}", right
    if g:
        yield Answer.number(g), f"{r.work}\nA: {g}%", False
        yield percent, f"{r.work}\nA: {_plain(Decimal(g) / 100)}", False
        yield share, f"{r.work}\nA: {g}", False
        yield share, f"{r.work}\nA: {_plain(Decimal(g) / 100)}%", False
    if n != int(n):
        return
    whole = int(n)
    half, third = Answer.number(_plain(Decimal(g) + Decimal("0.5"))), f"{whole} 1/3"
    if whole > 0:
        for text in (f"{whole} 1/2", f"{whole}½", f"{whole}.50", f"{2 * whole + 1}/2"):
            yield half, f"{r.work}\nA: {text}", right
        for text in (f"{whole} and a half", f"\\frac{{{2 * whole + 1}}}{{2}}"):
            yield half, f"{r.work}\n\\boxed{{{text}}}", right
        yield half, f"{r.work}\n\\boxed{{{whole}\\frac{{1}}{{2}}}}", right
        for text in (third, f"{whole}", f"{2 * whole + 1}/3", f"{whole}.05"):
            yield half, f"{r.work}\nA: {text}", False
        yield half, f"{r.work}\nA: {abs(g) + 1} 1/2", False
    doubled = f"{2 * whole}/2"
    yield Answer.number(g), f"{r.work}\nA: {doubled}", right
    yield Answer.number(g), f"{r.work}\n\\boxed{{\\frac{{{3 * whole}}}{{3}}}}", right
    power = Answer.number(g * 1000)
    for text in (f"{whole}e3", f"{whole} × 10^3", f"{whole} \\times 10^{{3}}", f"{whole} thousand"):
        yield power, f"{r.work}\nA: {text}", right
    if g:
        for text in (f"{g}e2", f"{g} × 10^4", f"{g} × 10^-3", f"{g} \\cdot 10^{{2}}"):
            yield power, f"{r.work}\nA: {text}", False


def within_tolerance(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """Errors inside and outside what the reference allows."""
    g = Decimal(r.gold)
    for tolerance, inside, outside in (
        ("0.5", "0.4", "0.6"),
        ("0.01", "0.01", "0.0100001"),
        ("2", "-2", "2.1"),
    ):
        gold = Answer.number(r.gold, tolerance=tolerance)
        yield gold, f"{r.work}\nA: {_plain(g + Decimal(inside))}", True
        yield gold, f"{r.work}\nA: {_plain(g + Decimal(outside))}", False
    if r.gold > 0:
        gold = Answer.number(r.gold, tolerance="1%")
        yield gold, f"{r.work}\nA: {_plain(g * Decimal('1.01'))}", True
        yield gold, f"{r.work}\nA: {_plain(g * Decimal('1.0101'))}", False
    exact = Answer.number(r.gold)
    yield exact, f"{r.work}\nA: {_plain(g + Decimal('0.0000001'))}", False


def the_sum_again(r: Rollout) -> Iterator[tuple[Answer, str, bool]]:
    """The last line of work as the answer, its result on the right or on the left."""
    gold, n = Answer.number(r.gold), r.given
    if n != int(n):
        return
    yield gold, f"{r.work}\n{int(n) - 3} + 3 = {int(n)}", r.is_right
    yield gold, f"{r.work}\n2 * {int(n)} / 2 = ${int(n)} in all.", r.is_right
    yield gold, f"{r.work}\n{int(n)} + 3 = {int(n) + 3}", int(n) + 3 == r.gold
    yield gold, f"{r.work}\nSo {int(n)} = {int(n) - 3} + 3.", r.is_right


FAMILIES: list[Family] = [
    marked,
    dressed,
    with_thousands,
    in_a_sentence,
    in_words,
    off,
    hedged,
    several,
    evasive,
    with_units,
    as_shares,
    within_tolerance,
    the_sum_again,
]

_ONES = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
]  # fmt: skip
_TENS = ["", "", *"twenty thirty forty fifty sixty seventy eighty ninety".split()]  # noqa: SIM905


def _english(number: int) -> str:
    if number < 20:
        return _ONES[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _TENS[tens] + (f"-{_ONES[ones]}" if ones else "")
    for size, name in ((1000, "thousand"), (100, "hundred")):
        if number >= size:
            above, below = divmod(number, size)
            joint = " and " if size == 100 else " "
            return f"{_english(above)} {name}" + (joint + _english(below) if below else "")
    raise ValueError(number)
