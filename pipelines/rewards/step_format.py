"""StepRVR of R1-VL (arXiv 2503.12937): whether the work has all its parts, in their order."""

import re

from pipelines.record.sample import Reference
from pipelines.rewards.final_answer import LONGEST_COMPLETION
from pipelines.rewards.registry import reward
from pipelines.rewards.score import Score, right, wrong

_HEADING = re.compile(r"^[ \t]*###[ ]*(.+?)[ ]*:[ \t]*", re.MULTILINE)


@reward("step_format", version=1)
def step_format(
    reference: Reference,  # noqa: ARG001 - the form of an answer says nothing of its truth
    completion: str,
    *,
    before: tuple[str, ...] = ("image description", "rationales"),
    after: str = "the final answer is",
) -> Score:
    """Give full marks to the sections of R1-VL, each once, in order, and none of them empty.

    They are `### Image Description:`, `### Rationales:`, `### Step 1:` and on, and
    `### The final answer is:`.
    """
    text = completion[-LONGEST_COMPLETION:]
    headings = list(_HEADING.finditer(text))
    names = [" ".join(match[1].casefold().split()) for match in headings]
    steps = len(names) - len(before) - 1
    expected = [*before, *(f"step {i}" for i in range(1, steps + 1)), after]
    if steps < 1 or names != expected:
        return wrong(f"sections {', '.join(names)[:200] or 'missing'}")
    ends = [*(match.start() for match in headings[1:]), len(text)]
    for name, match, end in zip(names, headings, ends, strict=True):
        if not any(sign.isalnum() for sign in text[match.end() : end]):
            return wrong(f"section {name!r} is empty")
    return right(f"{steps} steps in order")
