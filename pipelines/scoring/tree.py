"""The tree of one search over the steps of an answer: nodes, UCT, and what the search came to.

After ThinkLite-VL (arXiv 2504.07934): select by UCT, expand by sampling next steps, roll out,
back up 0 or 1; how many iterations the first right answer took is the difficulty. How these are
put together is in `pruned.py` (ours) and `faithful.py` (as published). A tree talks to nobody: a
search yields what it wants to ask, or to have judged, and is sent continuations or a verdict, so
that many trees can share one call to the policy and one round of grading.
"""

import math
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field

from pipelines.policies.policy import Completion, FinishReason

if TYPE_CHECKING:
    import numpy as np

T = TypeVar("T")
Mode = Literal["first-success", "faithful", "value"]


class SearchRule(BaseModel):
    """How a sample is searched, and how far."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mode: Mode = "first-success"
    """Stop at the first right answer; do as the published code does; or go on for the values."""
    iterations: int = Field(default=50, ge=1)
    """Most iterations per sample; one that is not solved by then counts as unsolved."""
    width: int = Field(default=3, ge=1)
    """Next steps sampled when a node is expanded."""
    depth: int = Field(default=10, ge=1)
    """Most steps of an answer."""
    exploration: float = Field(default=1.0, ge=0)
    """UCT's constant c: Q + c sqrt(ln N(parent) / N(child))."""
    step_end: str = Field(default="\n", min_length=1)
    """Text that ends a step."""
    final: str = ""
    """Mark of an answer's last step, such as `Final Answer: `; empty: it ends where the policy stops."""


@dataclass(eq=False, slots=True)
class Node:
    """An answer so far. It holds its own step; its text is what the steps from the root say."""

    step: str = ""
    depth: int = 0
    parent: "Node | None" = field(default=None, repr=False)
    tokens: int = 0
    """Of its step."""
    finish: FinishReason = "stop"
    terminal: bool = False
    """The answer ends here."""
    children: "tuple[Node, ...]" = ()
    visits: int = 0
    value_sum: float = 0.0
    done: bool = False
    """Its answer was judged; or so were all there are below it."""

    @property
    def path(self) -> "list[Node]":
        """The nodes from here up to the root."""
        node, path = self, [self]
        while node.parent is not None:
            node = node.parent
            path.append(node)
        return path

    @property
    def text(self) -> str:
        """What the steps down to here say together."""
        return "".join(node.step for node in reversed(self.path))


@dataclass(frozen=True, slots=True)
class Ask:
    """What a tree wants next: `n` continuations of `prefix`, of one step or to the end."""

    kind: Literal["step", "rollout"]
    prefix: str
    n: int


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole answer that a tree wants judged: is it right? None where it cannot be graded."""

    answer: Completion
    again: bool
    """This very answer was judged before."""


Part = Generator[Ask | Whole, Any, T]
"""A part of a search: it is sent completions for an `Ask`, and a verdict for a `Whole`."""
Search = Part[None]


@dataclass(eq=False)
class Tree:
    """One sample's search: what it goes by, and what it has come to so far."""

    rule: SearchRule
    rng: "np.random.Generator" = field(repr=False)
    root: Node = field(default_factory=Node, repr=False)
    iterations: int = 0
    first_success: int | None = None
    """One-based iteration of the first right answer; None when there was none."""
    model_calls: int = 0
    """Continuations heard, of one step or to the end."""
    unscored: int = 0
    """Answers that could not be graded: they spend an iteration and are not backed up."""

    def expand(self, node: Node, *, merge: bool) -> Search:
        """Sample next steps for a node; with `merge`, equal ones become one child."""
        replies: Sequence[Completion] = yield Ask("step", node.text, self.rule.width)
        children = [self.step_from(node, reply) for reply in replies]
        first: dict[str, Node] = {}
        for child in children:
            first.setdefault(child.step, child)
        node.children = tuple(first.values() if merge else children)

    def step_from(self, node: Node, reply: Completion) -> Node:
        """Make the node that a reply's first step leads to; it is not yet a child of its parent."""
        self.model_calls += 1
        rule, depth = self.rule, node.depth + 1
        step = first_steps(reply.text, rule.step_end, 1)
        # A step without an end is the last: the policy stopped, or ran out of tokens. As
        # published, where there is a mark only the mark tells.
        stopped = not step.endswith(rule.step_end) and not (rule.final and rule.mode == "faithful")
        final = bool(rule.final) and rule.final in step
        last = stopped or final or depth >= rule.depth
        return Node(step, depth, node, reply.completion_tokens, reply.finish_reason, last)

    def any_child(self, node: Node) -> Node:
        """Draw one child, all alike."""
        return node.children[int(self.rng.integers(len(node.children)))]

    def verdict(self, node: Node, rest: Completion | None = None) -> Part[bool | None]:
        """Judge the answer that a node is, or begins and `rest` ends; that is one iteration."""
        self.iterations += 1
        right: bool | None = yield Whole(_answer(node, rest), rest is None and node.done)
        node.done = node.done or rest is None
        if right is None:
            self.unscored += 1
        elif right and self.first_success is None:
            self.first_success = self.iterations
        return right

    def nodes(self) -> Iterator[Node]:
        """Walk the tree, the root first."""
        waiting = [self.root]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(reversed(node.children))


def uct(node: Node, parent_visits: int, exploration: float) -> float:
    """Q + c sqrt(ln N(parent) / N(node)); infinite for a node never visited."""
    if not node.visits:
        return math.inf
    mean = node.value_sum / node.visits
    return mean + exploration * math.sqrt(math.log(parent_visits) / node.visits)


def best(children: Sequence[Node], parent_visits: int, exploration: float) -> Node:
    """Choose by UCT; among equals the first, so that the unvisited come first in their order."""
    return max(children, key=lambda child: uct(child, parent_visits, exploration))


def back_up(node: Node, value: float) -> None:
    """Count a visit, and its value, from here up to the root."""
    for visited in node.path:
        visited.visits += 1
        visited.value_sum += value


def first_steps(text: str, step_end: str, count: int) -> str:
    """Cut a text after so many steps."""
    parts = text.split(step_end, count)
    return text if len(parts) <= count else text[: len(text) - len(parts[-1])]


def _answer(node: Node, rest: Completion | None) -> Completion:
    tokens = sum(visited.tokens for visited in node.path)
    if rest is None:
        return Completion(node.text, node.finish, 0, tokens)
    tokens += rest.completion_tokens
    return Completion(node.text + rest.text, rest.finish_reason, 0, tokens)
