"""Words as other trainers want them: places of media as tags, and text that looks like one escaped.

A loader that splits on `<image>` finds a picture wherever a person wrote that, and a tokenizer
turns `<|image_pad|>` into one. So text that says such a thing is written with spaces inside.
"""

import json
import re
from collections.abc import Sequence
from typing import Any

from pipelines.record.sample import Answer, Block, Message
from pipelines.workspace import WrongUse

_TAG = re.compile(
    r"<(\|?(?:image|video|audio|bbox|ref-object|cot-process|(?:image|video|audio)_pad"
    r"|vision_(?:start|end|pad)|audio_(?:start|end)|im_(?:start|end)|endoftext)\|?)>",
    re.IGNORECASE,
)


def says_a_tag(text: str) -> bool:
    """Whether a text holds what a loader or a tokenizer would take for more than words."""
    return _TAG.search(text) is not None


def escaped(text: str) -> str:
    """Write a text so that nothing in it is taken for a medium: `<image>` becomes `< image >`."""
    return _TAG.sub(r"< \1 >", text)


def as_blocks(message: Message) -> list[dict[str, Any]]:
    """Write a message as typed blocks, each with the same keys, as Parquet wants them."""
    return [
        {"type": block.type, "text": block.text if block.type == "text" else None}
        for block in message.content
    ]


def tagged(blocks: Sequence[Block]) -> str:
    """Write blocks as one text with a tag in each medium's place."""
    return "".join(b.text if b.type == "text" else f"<{b.type}>" for b in blocks)


def as_turns(prompt: Sequence[Message]) -> list[dict[str, str]]:
    """Write messages as roles and tagged text."""
    return [{"role": m.role, "content": tagged(m.content)} for m in prompt]


def as_problem(prompt: Sequence[Message], where: str) -> str:
    """Write a prompt as the one text of formats without roles; a system prompt stands before it.

    Raises WrongUse for a conversation of several turns.
    """
    users = [m for m in prompt if m.role != "system"]
    if [m.role for m in users] != ["user"]:
        raise WrongUse(
            f"{where} has several turns, and this format has place for one; "
            "export to trl, verl or ms-swift"
        )
    return "\n\n".join(tagged(m.content) for m in prompt)


def gold(answer: Answer, question: str = "") -> str:
    """Write the right answer as plain text: a number, a letter, LaTeX, yes or no, or JSON.

    A question that offers `true` is answered by that word.
    """
    value = answer.value
    if answer.kind == "bool":
        words = ("true", "false") if re.search(r"\btrue\b", question, re.I) else ("yes", "no")
        return words[0] if value else words[1]
    if answer.kind in ("box", "boxes", "point"):
        # Fractions are kept as decimal strings, and are numbers here.
        return re.sub(r'"(-?[0-9.]+)"', r"\1", json.dumps(value))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def unboxed(solution: str) -> str:
    """Give what `<answer>` or `\\boxed{}` holds; a text without either, as it is."""
    if found := re.findall(r"<answer>(.*?)</answer>", solution, re.DOTALL | re.IGNORECASE):
        return str(found[-1]).strip()
    start = solution.rfind("\\boxed{")
    if start < 0:
        return solution.strip()
    depth, first = 1, start + len("\\boxed{")
    for i in range(first, len(solution)):
        depth += {"{": 1, "}": -1}.get(solution[i], 0)
        if not depth:
            return solution[first:i].strip()
    return solution.strip()
