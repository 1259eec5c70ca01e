"""The form of an answer: where it stands, and nothing of whether it is true."""

from pipelines.record.sample import Reference
from pipelines.rewards.final_answer import final_answer
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, right, wrong

TAGS = ("<think>", "</think>", "<answer>", "</answer>")
BOX = "\\boxed{"


@reward("format", version=1)
def form(reference: Reference, completion: str) -> Score:  # noqa: ARG001
    """Give full marks to one `<answer>` after at most one `<think>`, or to one box; not both.

    Each tag stands once, in order and not empty, and nothing follows `</answer>`.
    """
    counts = {tag: completion.count(tag) for tag in TAGS}
    if max(counts.values()) > 1 or counts[TAGS[0]] != counts[TAGS[1]]:
        return wrong("a tag is missing its other half, or stands more than once")
    thought, spoken = _parted(completion) if counts[TAGS[0]] else ("-", completion)
    if not thought.strip():
        return wrong("nothing, or nothing in order, is thought")
    tags, boxes = counts["<answer>"] + counts["</answer>"], spoken.count(BOX)
    if (tags, boxes) not in ((2, 0), (0, 1)):
        return wrong(f"{tags} answer tags and {boxes} boxes")
    if tags and not spoken.rstrip().endswith("</answer>"):
        return wrong("something follows the answer")
    found = final_answer(spoken)
    if not found.text or found.found_by != ("tag" if tags else "box"):
        return wrong(f"nothing stands in the {'tags' if tags else 'box'}")
    return right("one answer in its place")


def _parted(completion: str) -> tuple[str, str]:
    """Part thoughts from speech; no thoughts where the tags are out of order or late."""
    before, _, rest = completion.partition("<think>")
    thought, closed, spoken = rest.partition("</think>")
    return (thought, spoken) if closed and not before.strip() else ("", spoken)
