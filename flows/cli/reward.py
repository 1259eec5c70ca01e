"""`curricle reward`: the rewards, and what one of them says of an answer."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from cyclopts import App, Parameter

from flows.cli.common import DEFAULTS, Common, print_table, show
from pipelines.workspace import WrongUse

if TYPE_CHECKING:
    from pipelines.record.sample import Answer
    from pipelines.rewards import Judge, Score

AS_IT_IS = Parameter(allow_leading_hyphen=True)
"""A negative number is no option, and neither is `-`."""

reward = App(name="reward", help="See the rewards, and try one on an answer.")

reward.command(
    "flows.cli.reward_audit:audit",
    name="audit",
    help="Let two graders judge the stored answers, and list those that they judge differently.",
)


@reward.command(name="list")
def list_rewards(*, common: Common = DEFAULTS) -> None:
    """List the rewards: those that come with Curricle, and those of the workspace.

    One that is named like a kind of answer grades the answers of that kind.
    """
    rows = list(_known(common))
    if common.json:
        names = ("name", "reward_id", "does")
        show([dict(zip(names, row, strict=True)) for row in rows], common, ())
    else:
        print_table(("reward", "reward_id", "what it does"), rows)


@reward.command(name="try")
def try_(
    kind: str,
    gold: Annotated[str, AS_IT_IS],
    completion: Annotated[str | None, AS_IT_IS] = None,
    /,
    *options: str,
    reward: str = "answer",
    tolerance: str = "",
    unit: str = "",
    variant: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    steps: Annotated[tuple[str, ...], Parameter(negative="")] = (),
    file: Annotated[str | None, AS_IT_IS] = None,
    common: Common = DEFAULTS,
) -> None:
    """Grade one completion, and say why.

    Parameters
    ----------
    kind
        Kind of answer: number, choice, text, bool, math, transcript, json, box, boxes, point, set.
    gold
        The reference: a number, a letter, a text, true or false, LaTeX, JSON, or coordinates such
        as 10,20,30,40.
    completion
        What a policy wrote.
    options
        For a choice: the texts behind A, B, C, …
    reward
        Who grades: `answer` for the reward of the kind, or a reward by name, such as one of
        curricle.toml.
    tolerance
        Largest error of a number, absolute or such as 1%; of a point, in pixels.
    unit
        Unit of a number.
    variant
        Another text that counts as the reference; may be given several times.
    steps
        A reference key step, `this | or that`; may be given several times.
    file
        Read the completion from a file; - is the standard input.
    """
    from pipelines.record.sample import Reference
    from pipelines.rewards.final_answer import final_answer

    if file is not None:
        options = options if completion is None else (completion, *options)
        completion = _contents(file)
    if completion is None:
        raise WrongUse("give a completion, or a --file to read it from")
    answer = _answer(kind, gold, options)
    answer = _with(answer, tolerance=tolerance, unit=unit, variants=variant)
    judge = _judge(reward, kind, common)
    score = judge.grade(Reference(answer, steps), completion)
    found = final_answer(completion)
    show(
        {
            "reward": judge.reward_id,
            "score": score,
            "found_by": found.found_by,
            "final_answer": found.text,
        },
        common,
        _explained(judge.reward_id, score, found.found_by, found.text),
    )


def _explained(reward_id: str, score: "Score", found_by: str, text: str) -> Iterator[str]:
    verdict = {True: "right", False: "wrong", None: "unscored"}[score.correct]
    yield f"{verdict} ({score.value:g}) by {reward_id}: {score.reason}"
    yield (
        f"  final answer: {text[:80]!r}, found by: {found_by}"
        if text
        else (f"  final answer: none ({found_by})")
    )
    for name, value in score.components.items():
        yield f"  {name}: {value:g}"


def _known(common: Common) -> Iterator[tuple[str, str, str]]:
    from flows.settings import read_settings
    from pipelines.rewards import REWARDS
    from pipelines.rewards.declared import COMPOSITIONS
    from pipelines.rewards.own import installed_rewards

    for name, known in sorted(REWARDS.items()):
        yield name, known.reward_id, (known.grader.__doc__ or "").splitlines()[0]
    declared = {**COMPOSITIONS, **read_settings(common.open()).rewards}
    for name, said in declared.items():
        parts = " + ".join(f"{weight:g} {part}" for part, weight in said.parts.items())
        identity = _judge(name, "number", common).reward_id
        yield name, identity, parts or f"your own, in {said.file}"
    for name, point in installed_rewards().items():
        if name not in declared:
            yield name, _judge(name, "number", common).reward_id, f"installed: {point.value}"


def _judge(name: str, kind: str, common: Common) -> "Judge":
    """Find who grades. Raises WrongUse for a name or a kind that nobody knows."""
    from flows.settings import read_settings
    from pipelines.rewards.declared import grading_of

    workspace = common.open()
    declared = {} if name == "answer" else read_settings(workspace).rewards
    try:
        return grading_of(name, declared, workspace.root).judge(kind)
    except KeyError as error:
        raise WrongUse(str(error.args[0])) from error


def _contents(file: str) -> str:
    if file == "-":
        return sys.stdin.read()
    try:
        return Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise WrongUse(f"{file} cannot be read: {error}") from error


def _with(answer: "Answer", **given: Any) -> "Answer":
    from dataclasses import replace

    return replace(answer, **{name: value for name, value in given.items() if value})


def _answer(kind: str, gold: str, options: tuple[str, ...]) -> "Answer":
    """Make the reference. Raises WrongUse where the words are none of that kind."""
    from pipelines.record.sample import Answer

    try:
        if kind == "choice":
            return Answer.choice(gold, options)
        if kind == "number":
            return Answer.number(gold)
        if kind in ("box", "boxes", "point", "set"):
            value = _listed(gold, as_numbers=kind != "set")
            return Answer(kind=cast(Any, kind), value=value, options=options)
        if kind in ("bool", "json"):
            return Answer(kind=cast(Any, kind), value=_json(gold))
        return Answer(kind=cast(Any, kind), value=gold)
    except ValueError as error:
        raise WrongUse(f"{gold!r} is no answer of kind {kind!r}: {error}") from error


def _listed(gold: str, *, as_numbers: bool) -> Any:
    """Read JSON, or things apart by commas; numbers become exact."""
    if gold.lstrip().startswith("["):
        return _json(gold)
    items = [item.strip() for item in gold.split(",") if item.strip()]
    return [_json(item) for item in items] if as_numbers else items


def _json(text: str) -> Any:
    """Read JSON as samples hold it. Raises ValueError for what is none."""
    from pipelines.rewards.structured import parsed_json

    value = parsed_json(text)
    if value is None:
        raise ValueError("it is not JSON")
    return value
