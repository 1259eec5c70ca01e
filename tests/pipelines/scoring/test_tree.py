"""Tree search: UCT, visits and effort, played by hand with scripted steps, in every mode."""

import math
from collections.abc import Callable, Sequence
from itertools import count
from typing import get_args

import numpy as np
import pytest

from pipelines.policies.policy import Completion
from pipelines.scoring.faithful import published
from pipelines.scoring.pruned import pruned
from pipelines.scoring.tree import Ask, Mode, Node, SearchRule, Tree, Whole, best, uct

Answerer = Callable[[Ask], list[str]]
MODES: Sequence[Mode] = get_args(Mode)
OURS: Sequence[Mode] = ("first-success", "value")
every_mode = pytest.mark.parametrize("mode", MODES)


def play(
    rule: SearchRule,
    answer: Answerer,
    right: Callable[[str], bool | None],
    seed: int = 0,
) -> tuple[Tree, list[Ask]]:
    """Run one search against a function that answers, and give what it asked."""
    tree = Tree(rule, np.random.default_rng(seed))
    search = published(tree) if rule.mode == "faithful" else pruned(tree)
    asks, sent = [], None
    while True:
        try:
            wish = search.send(sent)
        except StopIteration:
            return tree, asks
        if isinstance(wish, Whole):
            sent = right(wish.answer.text)
        else:
            asks.append(wish)
            sent = [Completion(text, "stop", 5, len(text)) for text in answer(wish)]


def never(_answer: str) -> bool:
    return False


def digits_in_lines(rng: np.random.Generator, lines: int = 3) -> Answerer:
    """Every answer has so many lines, of a digit each; the last has no end."""

    def answer(ask: Ask) -> list[str]:
        done = ask.prefix.count("\n")
        left = 1 if ask.kind == "step" else lines - done
        whole = ["".join(f"{rng.integers(10)}\n" for _ in range(left)) for _ in range(ask.n)]
        return [text.rstrip() if done + left == lines else text for text in whole]

    return answer


def three_steps(seed: int) -> Answerer:
    return digits_in_lines(np.random.default_rng(seed))


def remembering() -> tuple[list[str], Callable[[str], bool]]:
    """A judge who finds nothing right, and what it was shown."""
    judged: list[str] = []

    def judge(answer: str) -> bool:
        judged.append(answer)
        return False

    return judged, judge


def test_uct_is_the_formula() -> None:
    node = Node("x", 1, visits=4, value_sum=1.0)
    for parent, c in ((9, 1.0), (4, 0.3), (50, 2.0)):
        expected = 0.25 + c * math.sqrt(math.log(parent) / 4)
        assert uct(node, parent, c) == pytest.approx(expected, abs=1e-9)


def test_unvisited_children_come_first_and_in_their_order() -> None:
    seen = Node("a", 1, visits=1, value_sum=1.0)
    fresh = [Node("b", 1), Node("c", 1)]
    assert uct(fresh[0], 9, 1.0) == math.inf
    assert best([seen, *fresh], 1, 1.0) is fresh[0]


@every_mode
def test_right_at_once_is_difficulty_one(mode: Mode) -> None:
    tree, _ = play(SearchRule(mode=mode), three_steps(0), lambda _: True)
    assert tree.first_success == 1
    assert tree.iterations == (50 if mode == "value" else 1)


@every_mode
def test_never_right_spends_everything_and_is_unsolved(mode: Mode) -> None:
    tree, _ = play(SearchRule(mode=mode), three_steps(0), never)
    assert (tree.first_success, tree.iterations, tree.root.visits) == (None, 50, 50)


@pytest.mark.parametrize(("mode", "backed_up"), [("first-success", 7), ("faithful", 6)])
def test_only_as_published_is_the_solving_iteration_not_backed_up(
    mode: Mode, backed_up: int
) -> None:
    number = count(1)
    tree, _ = play(SearchRule(mode=mode), three_steps(0), lambda _: next(number) == 7)
    assert (tree.first_success, tree.iterations, tree.root.visits) == (7, 7, backed_up)
    assert tree.root.value_sum == (mode != "faithful")


@pytest.mark.parametrize("mode", OURS)
def test_ours_rolls_out_from_a_node_once_before_its_children_are_visited(mode: Mode) -> None:
    answer = digits_in_lines(np.random.default_rng(1), lines=8)
    tree, _ = play(SearchRule(mode=mode, iterations=40), answer, never)
    assert not tree.root.done
    for node in tree.nodes():
        if node.children:
            below = sum(child.visits for child in node.children)
            # The root is expanded at its first visit, others roll out from themselves first.
            assert below == node.visits - (node is not tree.root)


def test_as_published_a_visit_stays_at_a_node_only_when_it_was_drawn_at_its_birth() -> None:
    tree, _ = play(SearchRule(mode="faithful", iterations=40), three_steps(1), never)
    assert tree.root.visits == sum(child.visits for child in tree.root.children) == 40
    stayed = []
    for node in tree.nodes():
        if node.children:
            kept = [child.visits - sum(c.visits for c in child.children) for child in node.children]
            stayed += [n for child, n in zip(node.children, kept, strict=True) if child.children]
            # One of the newborn is drawn and rolled out; its siblings are expanded when reached.
            inner = [n for child, n in zip(node.children, kept, strict=True) if not child.terminal]
            assert all(n in (0, 1) for n in inner)
            assert sum(inner) <= 1
    assert set(stayed) == {0, 1}


def test_once_all_is_closed_visits_of_fresh_answers_stay_at_the_root() -> None:
    answers = count()
    tree, _ = play(
        SearchRule(iterations=12), lambda ask: [f"={next(answers)}" for _ in range(ask.n)], never
    )
    assert tree.root.done
    assert [child.visits for child in tree.root.children] == [1, 1, 1]
    assert tree.root.visits == 12


@every_mode
def test_effort_counts_every_continuation_asked_for(mode: Mode) -> None:
    tree, asks = play(SearchRule(mode=mode, iterations=20), three_steps(2), never)
    assert tree.model_calls == sum(ask.n for ask in asks)
    kinds = {ask.kind for ask in asks}
    assert kinds == ({"step"} if mode == "faithful" else {"step", "rollout"})


@every_mode
def test_answers_stop_at_the_depth_cap(mode: Mode) -> None:
    judged, judge = remembering()

    def endless(ask: Ask) -> list[str]:
        return ["go\n" if ask.kind == "step" else "go\n" * 30] * ask.n

    play(SearchRule(mode=mode, iterations=15, depth=4), endless, judge)
    assert {answer.count("\n") for answer in judged} == {4}


@every_mode
def test_the_same_seed_gives_the_same_tree(mode: Mode) -> None:
    def texts(seed: int) -> list[tuple[str, int]]:
        tree, _ = play(SearchRule(mode=mode, iterations=25), three_steps(3), never, seed=seed)
        return [(node.text, node.visits) for node in tree.nodes()]

    assert texts(9) == texts(9)
    assert texts(9) != texts(10)


@pytest.mark.parametrize("lines", [1, 3])
@pytest.mark.parametrize("p", [0.1, 0.3])
@every_mode
def test_with_independent_answers_a_search_is_sampling_until_the_first_success(
    mode: Mode, p: float, lines: int
) -> None:
    rng, number = np.random.default_rng(4), count()

    def answer(ask: Ask) -> list[str]:
        """Only the last line says whether an answer is right; no two answers are equal."""
        done = ask.prefix.count("\n")
        left = 1 if ask.kind == "step" else lines - done
        last = done + left == lines
        said = []
        for _ in range(ask.n):
            steps = [f"{next(number)}\n" for _ in range(left - last)]
            said.append("".join(steps) + last * f"={next(number)} {rng.random() < p}")
        return said

    trials, iterations = 1200, 6
    late = 0
    for trial in range(trials):
        # As published, a finished answer is judged again: with one step a draw is then no new one.
        width = iterations if (mode, lines) == ("faithful", 1) else 3
        rule = SearchRule(mode=mode, iterations=iterations, width=width)
        tree, _ = play(rule, answer, lambda said: said.endswith("True"), seed=trial)
        late += tree.first_success is None or tree.first_success > 5
    expected = (1 - p) ** 5
    spread = math.sqrt(expected * (1 - expected) / trials)
    assert abs(late / trials - expected) < 3 * spread


def reference(answer: Answerer, right: Callable[[str], bool], seed: int) -> dict[str, object]:
    """The published search, written out as METHODS gives its pseudo-code, on plain dictionaries."""
    rng, d = np.random.default_rng(seed), None
    root: dict[str, object] = {"steps": [], "kids": [], "N": 0, "W": 0.0}
    for iteration in range(50):
        path = [root]
        while not _terminal(path[-1]) and path[-1]["kids"]:
            parent = path[-1]
            scores = [
                math.inf
                if k["N"] == 0
                else k["W"] / k["N"] + math.sqrt(math.log(parent["N"]) / k["N"])
                for k in parent["kids"]
            ]
            path.append(parent["kids"][int(np.argmax(scores))])
        leaf = path[-1]
        if not _terminal(leaf):
            for step in answer(Ask("step", "".join(leaf["steps"]), 3)):
                leaf["kids"].append({"steps": [*leaf["steps"], step], "kids": [], "N": 0, "W": 0.0})
            path.append(leaf["kids"][int(rng.integers(len(leaf["kids"])))])
        state = {"steps": list(path[-1]["steps"])}
        while not _terminal(state):
            state["steps"] += answer(Ask("step", "".join(state["steps"]), 1))
        if right("".join(state["steps"])):
            d = iteration + 1
            break
        for node in path:
            node["N"] += 1
    return {"d": d, "visits": _visits(root)}


def _terminal(state: dict[str, object]) -> bool:
    steps = state["steps"]
    return len(steps) >= 10 or any("Final Answer: " in step for step in steps)


def _visits(node: dict[str, object]) -> list[int]:
    return [node["N"], *(n for kid in node["kids"] for n in _visits(kid))]


@pytest.mark.parametrize("seed", range(12))
def test_the_faithful_mode_does_what_the_published_pseudo_code_does(seed: int) -> None:
    def script() -> Answerer:
        rng = np.random.default_rng(seed)

        def answer(ask: Ask) -> list[str]:
            done = ask.prefix.count("<end>")
            steps = [f"{rng.integers(4)}" for _ in range(ask.n)]
            return [f"Final Answer: {s}" if done >= 2 and s != "0" else f"{s}<end>" for s in steps]

        return answer

    def right(said: str) -> bool:
        return said == "1<end>2<end>Final Answer: 3"

    rule = SearchRule(mode="faithful", step_end="<end>", final="Final Answer: ")
    tree, _ = play(rule, script(), right, seed)
    visits = [node.visits for node in tree.nodes()]
    assert {"d": tree.first_success, "visits": visits} == reference(script(), right, seed)


def test_as_published_equal_steps_stay_apart() -> None:
    rule = SearchRule(mode="faithful", iterations=1)
    tree, _ = play(rule, lambda ask: ["same\n"] * ask.n, never)
    assert [child.step for child in tree.root.children] == ["same\n"] * 3


def test_as_published_a_finished_answer_is_judged_again_and_spends_an_iteration() -> None:
    judged, judge = remembering()
    answers = count()
    rule = SearchRule(mode="faithful", iterations=12)
    tree, asks = play(rule, lambda ask: [f"={next(answers)}" for _ in range(ask.n)], judge)
    assert (len(asks), tree.iterations, len(judged), len(set(judged))) == (1, 12, 12, 3)


def test_as_published_only_the_mark_ends_an_answer() -> None:
    judged, judge = remembering()
    said = iter(["a", "a", "a", "b", "Final Answer: 1"])
    rule = SearchRule(mode="faithful", iterations=1, final="Final Answer: ")
    play(rule, lambda ask: [next(said) for _ in range(ask.n)], judge)
    assert judged == ["abFinal Answer: 1"]


def test_ours_never_judges_an_answer_twice_and_samples_afresh_instead() -> None:
    judged, judge = remembering()
    answers = count()
    tree, asks = play(
        SearchRule(iterations=12), lambda ask: [f"={next(answers)}" for _ in range(ask.n)], judge
    )
    assert len(judged) == len(set(judged)) == tree.iterations == 12
    assert [ask.n for ask in asks] == [3] + [1] * 9


def test_ours_merges_equal_steps() -> None:
    tree, _ = play(SearchRule(iterations=1), lambda ask: ["same\n"] * ask.n, never)
    assert len(tree.root.children) == 1


def test_a_branch_with_nothing_open_is_closed_and_never_selected_again() -> None:
    def answer(ask: Ask) -> list[str]:
        """Below `a` there are two answers; below `b` there is no end of them."""
        if ask.kind == "step":
            return {"": ["a\n", "b\n"], "a\n": ["=1", "=2"]}.get(ask.prefix, ["b\n", "c\n"])
        return ["=9"]

    tree, _ = play(SearchRule(iterations=40, width=2), answer, never)
    a, b = tree.root.children
    assert (a.step, a.done, a.visits) == ("a\n", True, 3)  # once from itself, once for each answer
    assert b.visits == 37
    assert not tree.root.done


def test_a_mark_or_the_end_of_the_answer_closes_ours() -> None:
    rule = SearchRule(iterations=1, final="=", depth=5)
    tree, _ = play(rule, lambda ask: ["=1\n", "stopped", "on\n"][: ask.n], never)
    assert [child.terminal for child in tree.root.children] == [True, True, False]


def test_in_value_mode_a_search_goes_on_and_finds_its_first_success_where_it_would_have_stopped() -> (
    None
):
    for seed in range(10):
        found = [
            play(SearchRule(mode=mode), three_steps(seed), lambda said: said[-1] == "7")[0]
            for mode in OURS
        ]
        assert found[0].first_success == found[1].first_success
        assert found[1].iterations == 50


def test_in_value_mode_a_good_step_has_more_value_than_a_bad_one() -> None:
    rng, number = np.random.default_rng(5), count()

    def answer(ask: Ask) -> list[str]:
        if not ask.prefix:
            return ["good\n", "bad\n"]
        said = []
        for _ in range(ask.n):
            right = rng.random() < (0.8 if ask.prefix.startswith("good") else 0.2)
            ends = ask.kind == "rollout" or ask.prefix.count("\n") > 3
            said.append(f"={next(number)} {right}" if ends else f"{next(number)}\n")
        return said

    rule = SearchRule(mode="value", iterations=60, width=2)
    tree, _ = play(rule, answer, lambda said: said.endswith("True"))
    good, bad = (child.value_sum / child.visits for child in tree.root.children)
    assert good > 0.6
    assert bad < 0.4


@every_mode
def test_an_answer_that_cannot_be_graded_spends_an_iteration_and_is_not_backed_up(
    mode: Mode,
) -> None:
    number = count(1)
    tree, _ = play(
        SearchRule(mode=mode, iterations=20),
        three_steps(6),
        lambda _: None if next(number) % 4 == 0 else False,
    )
    assert (tree.iterations, tree.unscored, tree.root.visits) == (20, 5, 15)


@every_mode
def test_steps_may_end_with_another_mark(mode: Mode) -> None:
    judged, judge = remembering()

    def answer(ask: Ask) -> list[str]:
        done = ask.prefix.count("<end>")
        left = 1 if ask.kind == "step" else 3 - done
        return ["a\nb<end>" * (left - (done + left == 3)) + "=1" * (done + left == 3)] * ask.n

    play(SearchRule(mode=mode, iterations=4, step_end="<end>"), answer, judge)
    assert set(judged) == {"a\nb<end>a\nb<end>=1"}
