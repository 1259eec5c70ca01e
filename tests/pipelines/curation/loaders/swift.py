"""ms-swift's rules, in our own words: `AutoPreprocessor` and `MessagesPreprocessor` of
swift/llm/dataset/preprocessor/core.py, `_add_default_tags` and `load_file` of swift/llm/template."""

import base64
import io
import re
from pathlib import Path
from typing import Any

import datasets
from PIL import Image

RESPONSES = ("response", "answer", "output", "targets", "target", "solution", "text")


def load(path: Path) -> list[dict[str, Any]]:
    """Give messages, pictures and what reward functions are passed; raises what ms-swift would."""
    rows = datasets.load_dataset("json", data_files=str(path), split="train")
    if not {"messages", "conversation", "conversations"} & {*rows.column_names}:
        raise ValueError(f"no messages; {RESPONSES} would be taken for the answer")
    return [standard(row) for row in rows]


def standard(row: dict[str, Any]) -> dict[str, Any]:
    messages = row.pop("messages")
    turns = messages[1:] if messages[0]["role"] == "system" else messages
    for user, assistant in zip(turns[::2], turns[1::2], strict=False):
        assert user["role"] in ("user", "tool")
        assert assistant["role"] == "assistant"
        assert assistant["content"]
    text = "\n".join(m["content"] for m in messages)
    for kind in ("image", "audio", "video"):
        media = row.get(f"{kind}s") or []
        missing = len(media) - len(re.findall(f"<{kind}>", text))
        if media and missing < 0:
            raise ValueError(f"{-missing} tags of {kind} more than media stay as words")
        messages[0]["content"] = f"<{kind}>" * max(0, missing) + messages[0]["content"]
    images = [Image.open(load_file(one)).convert("RGB") for one in row.get("images") or []]
    return {"messages": messages, "images": images, "columns": row}


def load_file(path: str) -> io.BytesIO:
    if Path(path).exists() if len(path) <= 200 else False:
        return io.BytesIO(Path(path).read_bytes())
    if path.startswith("data:"):
        match = re.match(r"data:(.+?);base64,(.+)", path)
        assert match is not None
        path = match[2]
    return io.BytesIO(base64.b64decode(path, validate=True))
