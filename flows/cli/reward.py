"""`curricle reward`: the rewards, and what one of them says of an answer."""

from typing import TYPE_CHECKING, Any, cast

from cyclopts import App

from flows.cli.common import DEFAULTS, Common, print_table, show
from pipelines.workspace import WrongUse

if TYPE_CHECKING:
    from pipelines.record.sample import Answer

reward = App(name="reward", help="See the rewards, and try one on an answer.")


@reward.command(name="list")
def list_rewards(*, common: Common = DEFAULTS) -> None:
    """List the rewards: which kind of answer each checks, and the identity of its grades."""
    from pipelines.rewards import REWARDS

    rows = [
        (name, known.reward_id, (known.grader.__doc__ or "").splitlines()[0])
        for name, known in sorted(REWARDS.items())
    ]
    if common.json:
        show(
            [{"kind": kind, "reward_id": name, "does": does} for kind, name, does in rows],
            common,
            (),
        )
    else:
        print_table(("kind of answer", "reward_id", "what it does"), rows)


@reward.command(name="try")
def try_(
    kind: str, gold: str, completion: str, /, *options: str, common: Common = DEFAULTS
) -> None:
    """Grade one completion, and say why.

    Parameters
    ----------
    kind
        Kind of answer: number, choice, text, bool, math, transcript or json.
    gold
        The reference answer: a number, a letter, a text, true or false, LaTeX, or JSON.
    completion
        What a policy wrote.
    options
        For a choice: the texts behind A, B, C, …
    """
    from pipelines.rewards import grade, reward_for

    answer = _answer(kind, gold, options)
    try:
        judge = reward_for(answer)
    except KeyError as error:
        raise WrongUse(str(error.args[0])) from error
    score = grade(answer, completion)
    verdict = {True: "right", False: "wrong", None: "unscored"}[score.correct]
    show(
        {"reward": judge.reward_id, "score": score},
        common,
        [f"{verdict} ({score.value:g}) by {judge.reward_id}: {score.reason}"],
    )


def _answer(kind: str, gold: str, options: tuple[str, ...]) -> "Answer":
    import json

    from pipelines.record.sample import Answer

    try:
        if kind == "choice":
            return Answer.choice(gold, options)
        if kind == "number":
            return Answer.number(gold)
        if kind in ("bool", "json"):
            return Answer(kind=cast(Any, kind), value=json.loads(gold))
        return Answer(kind=cast(Any, kind), value=gold)
    except ValueError as error:
        raise WrongUse(f"{gold!r} is no answer of kind {kind!r}: {error}") from error
