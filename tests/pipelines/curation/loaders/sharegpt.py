"""LLaMA-Factory's rules, in our own words: `SharegptDatasetConverter` of
src/llamafactory/data/converter.py, and `_validate_messages` of mm_plugin.py."""

import json
from pathlib import Path
from typing import Any

import datasets
from PIL import Image


def load(folder: Path, name: str) -> list[dict[str, Any]]:
    """Give the aligned rows of an entry of dataset_info.json; a row it would skip raises."""
    entry = json.loads((folder / "dataset_info.json").read_text())[name]
    assert entry["formatting"] == "sharegpt"
    rows = datasets.load_dataset("json", data_files=str(folder / entry["file_name"]), split="train")
    return [convert(row, entry, folder) for row in rows]


def convert(row: dict[str, Any], entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    columns, tags = entry["columns"], entry["tags"]
    roles = {tags["user_tag"]: "user", tags["assistant_tag"]: "assistant"}
    messages = row[columns["messages"]]
    aligned = []
    for i, message in enumerate(messages):
        wanted = tags["user_tag"] if i % 2 == 0 else tags["assistant_tag"]
        if message[tags["role_tag"]] != wanted:
            raise ValueError(f"invalid role tag in turn {i}")
        aligned.append((roles[wanted], message[tags["content_tag"]]))
    if len(aligned) % 2:
        raise ValueError("invalid message count")
    images = [folder / one for one in row.get(columns.get("images", "")) or []]
    text = "".join(content for _, content in aligned)
    if text.count("<image>") != len(images):
        raise ValueError("The number of images does not match the number of <image> tokens")
    for image in images:
        Image.open(image).convert("RGB")
    return {"prompt": aligned[:-1], "response": aligned[-1], "system": row[columns["system"]]}
