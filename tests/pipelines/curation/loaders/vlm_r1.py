"""VLM-R1's rules, in our own words: src/open-r1-multimodal/src/open_r1/grpo_jsonl.py."""

import json
from pathlib import Path
from typing import Any

from PIL import Image


def load(path: Path, image_folder: Path) -> list[dict[str, Any]]:
    """Give problem, solution and pictures of every row; raises what VLM-R1 would."""
    return [read(json.loads(line), image_folder) for line in path.read_text().splitlines()]


def read(item: dict[str, Any], image_folder: Path) -> dict[str, Any]:
    names = item.get("image", [])
    paths = [image_folder / one for one in ([names] if isinstance(names, str) else names)]
    for path in paths:
        Image.open(path).convert("RGB")
    human, gpt = item["conversations"][0], item["conversations"][1]
    solution = gpt["value"].replace("<answer>", "").replace("</answer>", "").strip()
    return {
        "problem": human["value"].replace("<image>", ""),
        "solution": f"<answer> {solution} </answer>",
        "images": paths,
    }
