"""Tree search: UCT, visits and effort, played by hand with scripted steps."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from pipelines.scoring.tree import Ask, Found, Node, SearchRule, search, uct

Answerer = Callable[[Ask], list[str]]


def play(
    rule: SearchRule, answer: Answerer, right: Callable[[str], bool], seed: int = 0
) -> tuple[Found, list[Ask]]:
    """Run one search against a function that answers, and give what it asked."""
    steps = search(rule, right, np.random.default_rng(seed))
    asks = [next(steps)]
    while True:
        try:
            asks.append(steps.send(answer(asks[-1])))
        except StopIteration as stop:
            return stop.value, asks


def never(_answer: str) -> bool:
    return False


def three_steps(rng: np.random.Generator) -> Answerer:
    """Every answer has three lines of one digit each."""

    def answer(ask: Ask) -> list[str]:
        done = ask.prefix.count("\n")
        left = 1 if ask.kind == "step" else 3 - done
        whole = ["".join(f"{rng.integers(10)}\n" for _ in range(left)) for _ in range(ask.n)]
        # The last line is the answer and has no end.
        return [text.rstrip() if done + left == 3 else text for text in whole]

    return answer


def walk(root: Node) -> list[Node]:
    return [root] + [found for child in root.children.values() for found in walk(child)]


def test_uct_is_the_formula_and_the_unvisited_come_first() -> None:
    node = Node("x", 1, visits=4, value_sum=1.0)
    assert uct(node, 9, 1.0) == pytest.approx(0.25 + math.sqrt(math.log(9) / 4), abs=1e-9)
    assert uct(Node("y", 1), 9, 1.0) == math.inf


def test_right_at_once_is_difficulty_one() -> None:
    found, _ = play(SearchRule(), three_steps(np.random.default_rng(0)), lambda _: True)
    assert (found.first_success, found.iterations, found.root.visits) == (1, 1, 1)


def test_never_right_spends_everything_and_is_unsolved() -> None:
    found, _ = play(SearchRule(iterations=50), three_steps(np.random.default_rng(0)), never)
    assert (found.first_success, found.iterations, found.root.visits) == (None, 50, 50)


def test_visits_add_up_over_the_tree() -> None:
    found, _ = play(SearchRule(iterations=40), three_steps(np.random.default_rng(1)), never)
    for node in walk(found.root):
        below = sum(child.visits for child in node.children.values())
        if node.children:
            # The root is expanded at its first visit, others roll out from themselves first.
            assert below == node.visits - (node is not found.root)


def test_effort_counts_every_continuation_asked_for() -> None:
    found, asks = play(SearchRule(iterations=20), three_steps(np.random.default_rng(2)), never)
    assert found.model_calls == sum(ask.n for ask in asks)


def test_a_finished_answer_is_never_judged_twice() -> None:
    judged: list[str] = []

    def judge(answer: str) -> bool:
        judged.append(answer)
        return False

    fresh = iter(range(1000))

    def one_step(ask: Ask) -> list[str]:
        return [f"={next(fresh)}" for _ in range(ask.n)]

    found, _ = play(SearchRule(iterations=12), one_step, judge)
    assert len(judged) == found.iterations == 12
    assert len(set(judged[3:])) == 9  # from the fourth on, each was sampled afresh


def test_equal_steps_are_one_child() -> None:
    found, _ = play(SearchRule(iterations=1), lambda ask: ["same\n"] * ask.n, never)
    assert len(found.root.children) == 1


def test_answers_stop_at_the_depth_cap() -> None:
    judged: list[str] = []

    def endless(ask: Ask) -> list[str]:
        text = "go\n" if ask.kind == "step" else "go\n" * 30
        return [text] * ask.n

    def judge(answer: str) -> bool:
        judged.append(answer)
        return False

    play(SearchRule(iterations=15, depth=4), endless, judge)
    assert max(answer.count("\n") for answer in judged) == 4


def test_the_same_seed_gives_the_same_tree() -> None:
    found = [
        play(SearchRule(iterations=25), three_steps(np.random.default_rng(3)), never, seed=9)[0]
        for _ in range(2)
    ]
    assert [node.text for node in walk(found[0].root)] == [n.text for n in walk(found[1].root)]


@pytest.mark.parametrize("p", [0.1, 0.3])
def test_with_independent_answers_a_search_is_sampling_until_the_first_success(p: float) -> None:
    rng = np.random.default_rng(4)

    def answer(ask: Ask) -> list[str]:
        return three_steps(rng)(ask)

    trials = 1500
    late = 0
    for trial in range(trials):
        found, _ = play(
            SearchRule(iterations=50), answer, lambda _: bool(rng.random() < p), seed=trial
        )
        late += found.first_success is None or found.first_success > 5
    expected = (1 - p) ** 5
    spread = math.sqrt(expected * (1 - expected) / trials)
    assert abs(late / trials - expected) < 3.5 * spread
