"""GUIPilot: screens of phone apps with their widgets in boxes (LabelMe files)."""

from collections.abc import Iterator
from pathlib import Path

from pipelines.corpora.labelme import boxes_answer, picture_of, shapes_by_label
from pipelines.corpora.reading import Pending, find_data, read_object
from pipelines.record.sample import Sample, ask
from pipelines.record.steps import Record

CORPUS = "guipilot"
LICENCE = "MIT"
DATA = "datasets/new"
NAMES = {
    "combinedbutton": "button with both icon and text",
    "iconbutton": "icon button",
    "imageview": "picture",
    "inputbox": "input box",
    "textbutton": "text button",
    "textview": "text",
}
"""How people call the widgets."""


def read(root: Path) -> Iterator[Pending]:
    """Read one sample a kind of widget on a screen: where it is, or where all of them are."""
    data = find_data(root, DATA, "*/*.json")
    for path in sorted(data.glob("*/*.json")):
        ref = f"{DATA}/{path.relative_to(data).as_posix()}"
        yield Pending(CORPUS, ref, _screen, (data, path, ref))


def _screen(data: Path, path: Path, ref: str) -> list[Record]:
    record = read_object(path)
    screen = picture_of(data, path, record)
    samples: list[Record] = []
    for label, boxes in shapes_by_label(record).items():
        name = NAMES.get(label, label)
        one = f"Where is the {name} on this screen? Answer with its box [x1, y1, x2, y2] in pixels."
        all_ = f"Where is each {name} on this screen? Answer with the list of their boxes [x1, y1, x2, y2] in pixels."
        samples.append(
            Sample(
                prompt=ask(one if len(boxes) == 1 else all_, screen),
                answer=boxes_answer(boxes),
                media=(screen,),
                task=f"{CORPUS}/{'widget' if len(boxes) == 1 else 'widgets'}",
                tags=("gui", "grounding"),
                corpus=CORPUS,
                source_ref=f"{ref}#{label}",
                licence=LICENCE,
            )
        )
    return samples
