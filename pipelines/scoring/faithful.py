"""Tree search as the code of ThinkLite-VL (arXiv 2504.07934) does it, to the letter.

Every non-terminal leaf that is reached is expanded, equal steps stay apart, answers are rolled out
one step a call, a finished answer that is selected again is judged again, and the iteration that
solves is not backed up. Only the count differs: iterations are counted from one.
"""

from pipelines.scoring.tree import Ask, Node, Search, Tree, back_up, best


def published(tree: Tree) -> Search:
    """Search until the first right answer or the limit."""
    rule = tree.rule
    for _ in range(rule.iterations):
        node = _select(tree)
        if not node.terminal:
            yield from tree.expand(node, merge=False)
            node = tree.any_child(node)
        end = node
        while not end.terminal:
            (reply,) = yield Ask("step", end.text, 1)
            end = tree.step_from(end, reply)
        right = yield from tree.verdict(end)
        if right:
            return
        if right is not None:
            back_up(node, 0.0)


def _select(tree: Tree) -> Node:
    node = tree.root
    while node.children:
        node = best(node.children, node.visits, tree.rule.exploration)
    return node
