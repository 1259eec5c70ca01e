"""EasyR1's rules, in our own words: `RLHFDataset` of verl/utils/dataset.py.

The column of pictures, not the row, decides how a prompt is read; the first entry decides whether
all of a row are paths.
"""

import io
from pathlib import Path
from typing import Any

import datasets
from PIL import Image


def load(path: Path, image_dir: Path) -> list[dict[str, Any]]:
    """Give content and pictures of every row; raises what EasyR1 would."""
    rows = datasets.load_dataset("parquet", data_files=str(path), split="train")
    return [read(row, image_dir) for row in rows]


def read(row: dict[str, Any], image_dir: Path) -> dict[str, Any]:
    problem, truth = row["problem"], row.pop("answer")
    assert isinstance(truth, str)
    if "images" not in row:
        return {"content": problem, "images": None, "ground_truth": truth}
    content = []
    for i, part in enumerate(problem.split("<image>")):
        content += [{"type": "image"}] if i else []
        content += [{"type": "text", "text": part}] if part else []
    images = row["images"]
    if len(images) and isinstance(images[0], str):
        images = [str(image_dir / one) for one in images]
    opened = [process(one) for one in images]
    # The processor refuses another number of pictures than of places.
    assert sum(part["type"] == "image" for part in content) == len(opened)
    return {"content": content, "images": opened, "ground_truth": truth}


def process(image: Any) -> Image.Image:
    if isinstance(image, str):
        return Image.open(image).convert("RGB")
    data = image["bytes"] if isinstance(image, dict) else image
    return Image.open(io.BytesIO(data)).convert("RGB")
