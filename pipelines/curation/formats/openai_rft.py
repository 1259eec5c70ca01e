"""OpenAI reinforcement fine-tuning: chat messages and what a grader may refer to, in JSON Lines."""

import json
from typing import Any

from pipelines.curation.formats.ms_swift import data_url
from pipelines.curation.formats.row import Layout, Row
from pipelines.curation.formats.shape import Files, Format
from pipelines.record.sample import Message
from pipelines.workspace import WrongUse

_GRADER = {
    "type": "multi",
    "graders": {
        "exact": {
            "type": "string_check",
            "name": "exact",
            "input": "{{sample.output_text}}",
            "reference": "{{item.reference_answer}}",
            "operation": "eq",
        },
        "contains": {
            "type": "string_check",
            "name": "contains",
            "input": "{{sample.output_text}}",
            "reference": "<answer>{{item.reference_answer}}</answer>",
            "operation": "ilike",
        },
    },
    "calculate_output": "max(exact, contains)",
}


def _record(row: Row, _layout: Layout) -> dict[str, Any]:
    if row.prompt[-1].role != "user":
        raise WrongUse(f"{row.where}: OpenAI's last message must be the user's")
    media = iter(row.media)
    messages = []
    for message in row.prompt:
        content: Any = [
            {"type": "text", "text": b.text}
            if b.type == "text"
            else {"type": "image_url", "image_url": {"url": data_url(next(media))}}
            for b in message.content
        ]
        messages.append({"role": message.role, "content": _plain(message, content)})
    return {"messages": messages, "reference_answer": row.gold, **row.extras()}


def _plain(message: Message, content: Any) -> Any:
    """Write words alone as a text: only a user's message may have parts."""
    words = [b.text for b in message.content if b.type == "text"]
    return "".join(words) if len(words) == len(message.content) else content


def _beside(_files: Files, _layout: Layout) -> dict[str, str]:
    return {"grader.json": json.dumps(_GRADER, indent=2) + "\n"}


FORMAT = Format(
    name="openai-rft",
    title="OpenAI reinforcement fine-tuning",
    ending="jsonl",
    kinds=frozenset({"image"}),
    forms=("embedded",),
    record=_record,
    beside=_beside,
    held_out=True,
    use="""\
Upload `{train}` as the training file and the validation file beside it; `grader.json` is the
`grader` of the job. It gives full marks to an answer that is the reference, or that holds it between
`<answer>` and `</answer>`. The platform offers no option for the order of rows: it may shuffle
them.""",
)
