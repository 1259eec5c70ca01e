"""Tree search as we do it: no answer is judged twice and no call is made for one step alone.

Equal steps are one child; a finished answer is closed, and so is a node below which all is closed;
a leaf is rolled out from itself before it is expanded; the remainder of an answer is sampled in
one continuation, which is the same distribution as step by step. Where everything is closed a
whole answer is sampled afresh, so that answers of one step get plain sampling.
"""

from collections.abc import Sequence
from dataclasses import replace

from pipelines.policies.policy import Completion
from pipelines.scoring.tree import Ask, Node, Part, Search, Tree, back_up, best, first_steps


def pruned(tree: Tree) -> Search:
    """Search until the first right answer; in `value` mode, and where there is none, to the limit."""
    for _ in range(tree.rule.iterations):
        node = yield from _leaf(tree)
        # An answer that ends at a closed root is one more draw of a whole answer.
        rest = None if node.terminal else (yield from _remainder(tree, node))
        right = yield from tree.verdict(node, rest)
        if right is not None:
            back_up(node, float(right))
        if node.terminal:
            _close(node)
        if right and tree.rule.mode == "first-success":
            return


def _leaf(tree: Tree) -> Part[Node]:
    """Select a leaf that is open, expanding it first where it was rolled out before."""
    node = tree.root
    while node.children and not node.done:
        open_ = [child for child in node.children if not child.done]
        node = best(open_, node.visits, tree.rule.exploration)
    if node.done or (node.visits == 0 and node is not tree.root):
        return node
    yield from tree.expand(node, merge=True)
    return tree.any_child(node)


def _remainder(tree: Tree, node: Node) -> Part[Completion]:
    """Sample the rest of an answer, cut where it would be deeper than allowed."""
    replies: Sequence[Completion] = yield Ask("rollout", node.text, 1)
    tree.model_calls += 1
    left = tree.rule.depth - node.depth
    text = first_steps(replies[0].text, tree.rule.step_end, left)
    return replace(replies[0], text=text)


def _close(node: Node) -> None:
    """Close a judged answer, and every node above that has nothing open left."""
    for above in node.path[1:]:
        if not all(child.done for child in above.children):
            return
        above.done = True
