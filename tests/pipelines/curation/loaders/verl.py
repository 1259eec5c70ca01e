"""verl's rules, in our own words: `RLHFDataset._build_messages` of verl/utils/dataset/rl_dataset.py.

Tags split a text; each takes the next medium of its kind, and all must be used up.
"""

import io
import re
from pathlib import Path
from typing import Any

import datasets
from PIL import Image

KEYS = {"image": "images", "video": "videos", "audio": "audios"}


def load(path: Path) -> list[list[dict[str, Any]]]:
    """Give the messages of every row; raises what verl would."""
    rows = datasets.load_dataset("parquet", data_files=str(path), split="train")
    messages = [build(row) for row in rows]
    for row in rows:
        assert row["data_source"]
        assert isinstance(row["reward_model"]["ground_truth"], str)
        assert row["reward_model"]["style"] == "rule"
        assert isinstance(row["ability"], str)
        assert isinstance(row["extra_info"]["index"], int)
    return messages


def build(row: dict[str, Any]) -> list[dict[str, Any]]:
    media = {kind: row.get(key) or [] for kind, key in KEYS.items()}
    used = dict.fromkeys(KEYS, 0)
    for message in row["prompt"]:
        if not any(media.values()) or not isinstance(message["content"], str):
            continue
        parts = [p for p in re.split("(<image>|<video>|<audio>)", message["content"]) if p]
        content = []
        for part in parts:
            kind = part[1:-1]
            if kind not in KEYS:
                content.append({"type": "text", "text": part})
                continue
            assert used[kind] < len(media[kind]), f"{kind} {used[kind]} of {len(media[kind])}"
            content.append({"type": kind, **opened(media[kind][used[kind]], kind)})
            used[kind] += 1
        message["content"] = content
    for kind, count in used.items():
        assert count == len(media[kind]), f"{count} of {len(media[kind])} {kind}s"
    return row["prompt"]


def opened(entry: Any, kind: str) -> dict[str, Any]:
    if isinstance(entry, str):
        entry = {kind: entry}
    if not isinstance(entry, dict):
        raise TypeError(f"{kind} is {type(entry)}")
    entry = dict(entry)
    if kind == "image" and "bytes" in entry:
        entry["image"] = Image.open(io.BytesIO(entry.pop("bytes"))).copy()
    elif kind == "image":
        # `qwen_vl_utils.fetch_image` opens it so.
        entry["image"] = Image.open(entry["image"].removeprefix("file://")).copy()
    else:
        assert Path(entry[kind].removeprefix("file://")).is_file()
    return entry
