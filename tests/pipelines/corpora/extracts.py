"""Tiny corpora of our own making, laid out as their upstreams lay them out."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image


def write(path: Path, data: bytes | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def write_lines(path: Path, records: Sequence[object]) -> Path:
    """Write records as JSON Lines; bytes go in as they are."""
    lines = [r if isinstance(r, bytes) else json.dumps(r).encode() for r in records]
    return write(path, b"\n".join(lines) + b"\n")


def png(shade: int = 0, size: tuple[int, int] = (8, 8)) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, (shade, 10, 20)).save(buffer, "PNG")
    return buffer.getvalue()


def truncated_jpeg() -> bytes:
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG")
    return buffer.getvalue()[:900]


def wav(frames: int = 800) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(frames, np.float32), 8000, format="WAV")
    return buffer.getvalue()


def word_problem(question: str, answer: str = "2+2=<<2+2=4>>4\n#### 4") -> dict[str, object]:
    return {"question": question, "answer": answer}


def gsm8k(root: Path, *, train: Sequence[object], test: Sequence[object] = ()) -> Path:
    data = root / "grade_school_math/data"
    write_lines(data / "train.jsonl", train)
    write_lines(data / "test.jsonl", test)
    return root


def statement(label: object = "true", identifier: str = "1-0") -> dict[str, object]:
    sentence = "There is a tower with four blocks."
    return {"sentence": sentence, "label": label, "identifier": identifier, "directory": "0"}


def nlvr(root: Path, records: Sequence[object], shades: Sequence[int] = range(6)) -> Path:
    """Write statements; every one that is whole gets six pictures of these shades."""
    write_lines(root / "nlvr/dev/dev.json", records)
    for record in records:
        if isinstance(record, dict):
            for k, shade in enumerate(shades):
                name = f"dev-{record['identifier']}-{k}.png"
                write(root / "nlvr/dev/images/0" / name, png(shade))
    return root


def puzzle(**changes: object) -> dict[str, object]:
    usual = {
        "image": "images/a.png",
        "question": "What is missing?",
        "options": [6, 3],
        "answer": "3",
    }
    return usual | changes


def puzzlevqa(root: Path, records: Sequence[object], category: str = "color_number") -> Path:
    write_lines(root / f"data/{category}.json", records)
    write(root / "data/images/a.png", png())
    return root


def blindtest(root: Path) -> Path:
    """Write one picture of squares and one table, each as two models' outcomes hold it."""
    src = root / "src"
    write(
        src / "prompts.md",
        "# Nested Squares\n1. Count squares.\n2. How many?\n"
        "# Counting Rows and Columns\n1. Count them.\n2. A pair, please.\n",
    )
    squares, table = src / "NestedSquares/images", src / "CountingRowsAndColumns/images"
    name = "nested_squares_depth_4_x.png"
    write(squares / "count-prompt/Sonnet-3/correct" / name, png(1))
    write(squares / "how-many-prompt/gpt-4o/incorrect" / name, png(1))
    write(
        table / "CountRC-prompt/gemini-1.5/correct/gemini_count_grid_5x6_1_2.png_blank.png", png(2)
    )
    write(
        table / "HowManyRC-prompt/sonnet-3/incorrect/claude_how_grid_5x6_1_2.png_blank.png", png(2)
    )
    return root


def with_options(**changes: object) -> dict[str, object]:
    """Make a record as AQuA-RAT has them."""
    usual = {
        "question": "What is 2 + 3?",
        "options": ["A)4", "B)5", "C)6", "D)7", "E)8"],
        "rationale": "2 + 3 = 4 + 1\n4 + 1 = 5\nAnswer: B",
        "correct": "B",
    }
    return usual | changes


def figure(**changes: object) -> dict[str, object]:
    """Make a record as MATH-Vision has them."""
    usual = {
        "id": "7",
        "question": "How long is it?\n<image1>\nRound down.",
        "options": [],
        "answer": "3",
        "solution": None,
        "level": 2,
        "subject": "metric geometry - length",
        "image": "images/7.jpg",
    }
    return usual | changes


def mathvision(root: Path, records: Sequence[object]) -> Path:
    write_lines(root / "data/test.jsonl", records)
    write(root / "images/7.jpg", png())
    return root


def screen(root: Path, shapes: Sequence[object] | None = None) -> Path:
    """Write a screen with two texts and one picture on it, as LabelMe does."""
    boxes = {"textview": [[0, 0], [3, 1]], "imageview": [[4, 4], [8, 6.5]]}
    usual = [{"label": label, "points": points} for label, points in boxes.items()]
    usual.append({"label": "textview", "points": [[3, 7], [0, 6]]})
    given = usual if shapes is None else shapes
    record = {"imagePath": "1.png", "imageData": None, "shapes": given}
    write(root / "datasets/new/App/1.json", json.dumps(record))
    write(root / "datasets/new/App/1.png", png())
    return root


def session(root: Path, steps: dict[str, Sequence[object]]) -> Path:
    """Write a ScreenAgent session: the actions of each step by the name of its file."""
    folder = root / "data/ScreenAgent/train/s1"
    for number, (name, actions) in enumerate(steps.items()):
        record = {
            "task_prompt_en": "Draw a line",
            "send_prompt": f'{number}: The current subtask is "Open it". What next?',
            "send_prompt_en": f'{number}: The current subtask is "Open it". What next?',
            "saved_image_name": f"{number}.png",
            "actions": actions,
        }
        write(folder / name, json.dumps(record))
        write(folder / f"images/{number}.png", png(number))
    return root


def click(x: int, y: int, button: str = "left") -> dict[str, object]:
    return {
        "action_type": "MouseAction",
        "mouse_action_type": "click",
        "mouse_button": button,
        "mouse_position": {"width": x, "height": y},
    }
