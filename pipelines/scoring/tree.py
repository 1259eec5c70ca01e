"""One search tree over the steps of an answer, as a coroutine that asks and is answered.

After ThinkLite-VL (arXiv 2504.07934): select by UCT, expand by sampling next steps, roll out,
back up 0 or 1, and stop at the first right answer; how many iterations that took is the
difficulty. The tree talks to nobody: it yields what it wants to ask and is
sent the continuations, so that many trees can share one call to the policy. Beside the published code, iterations are counted from one, equal
steps are one child, a finished answer is never simulated twice, and the solving iteration is
backed up too, so that visits(root) is the number of iterations.
"""

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

STEP_END = "\n"


class SearchRule(BaseModel):
    """How far a search goes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    iterations: int = Field(default=50, ge=1)
    """Most iterations per sample; one that is not solved by then counts as unsolved."""
    width: int = Field(default=3, ge=1)
    """Next steps sampled when a node is expanded."""
    depth: int = Field(default=10, ge=1)
    """Most steps of an answer."""
    exploration: float = Field(default=1.0, ge=0)
    """UCT's constant c: Q + c sqrt(ln N(parent) / N(child))."""


@dataclass(eq=False, slots=True)
class Node:
    """An answer so far. Its text is what the steps from the root to here say."""

    text: str
    depth: int
    parent: "Node | None" = None
    children: dict[str, "Node"] = field(default_factory=dict)
    visits: int = 0
    value_sum: float = 0.0
    terminal: bool = False


@dataclass(frozen=True, slots=True)
class Ask:
    """What a tree wants next: `n` continuations of `prefix`, of one step or to the end."""

    kind: Literal["step", "rollout"]
    prefix: str
    n: int


@dataclass(frozen=True, slots=True)
class Found:
    """How a search ended."""

    first_success: int | None
    """One-based iteration of the first right answer; None when there was none."""
    iterations: int
    model_calls: int
    """Continuations asked for, of one step or to the end."""
    root: Node = field(repr=False)

    @property
    def nodes(self) -> int:
        """Size of the tree."""
        waiting, count = [self.root], 0
        while waiting:
            node = waiting.pop()
            count += 1
            waiting.extend(node.children.values())
        return count


IsRight = Callable[[str], bool]
Search = Generator[Ask, list[str], Found]


def uct(node: Node, parent_visits: int, exploration: float) -> float:
    """Q + c sqrt(ln N(parent) / N(node)); infinite for a node never visited."""
    if not node.visits:
        return math.inf
    mean = node.value_sum / node.visits
    return mean + exploration * math.sqrt(math.log(parent_visits) / node.visits)


def search(rule: SearchRule, is_right: IsRight, rng: np.random.Generator) -> Search:
    """Search one sample. `is_right` judges a whole answer and is asked once per answer."""
    root = Node("", 0)
    calls = 0
    for iteration in range(1, rule.iterations + 1):
        leaf = _select(root, rule.exploration)
        if leaf.terminal:
            # Nothing is left to expand here: sample a whole answer afresh instead of judging
            # the same one again. Where answers have one step this is plain sampling.
            node, calls = (yield from _fresh(root, rule.depth)), calls + 1
        elif leaf.visits or leaf is root:
            replies = yield Ask("step", leaf.text, rule.width)
            calls += rule.width
            _expand(leaf, replies, rule.depth)
            node = _any_child(leaf, rng)
        else:
            node = leaf
        if node.terminal:
            answer = node.text
        else:
            (reply,) = yield Ask("rollout", node.text, 1)
            calls += 1
            answer = _within_depth(node.text + reply, rule.depth)
        right = is_right(answer)
        _back_up(node, float(right))
        if right:
            return Found(iteration, iteration, calls, root)
    return Found(None, rule.iterations, calls, root)


def _select(root: Node, exploration: float) -> Node:
    node = root
    while node.children:
        total = node.visits
        node = max(node.children.values(), key=lambda child: uct(child, total, exploration))
    return node


def _expand(node: Node, replies: list[str], depth: int) -> None:
    for reply in replies:
        step, end, _ = reply.partition(STEP_END)
        text = node.text + step + end
        # A step that does not end in a line is the last: the policy stopped, or ran out.
        finished = not end or node.depth + 1 >= depth
        node.children.setdefault(text, Node(text, node.depth + 1, node, terminal=finished))


def _any_child(node: Node, rng: np.random.Generator) -> Node:
    children = list(node.children.values())
    return children[int(rng.integers(len(children)))]


def _fresh(root: Node, depth: int) -> Generator[Ask, list[str], Node]:
    (reply,) = yield Ask("rollout", "", 1)
    reply = _within_depth(reply, depth)
    return root.children.setdefault(reply, Node(reply, 1, root, terminal=True))


def _within_depth(answer: str, depth: int) -> str:
    return "".join(answer.splitlines(keepends=True)[:depth])


def _back_up(node: Node, value: float) -> None:
    walk: Node | None = node
    while walk is not None:
        walk.visits += 1
        walk.value_sum += value
        walk = walk.parent
