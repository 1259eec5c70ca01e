"""`curricle export`: a dataset in the format of another trainer."""

from pathlib import Path
from typing import Literal

from flows.cli.common import DEFAULTS, Common, bars, show

FormatName = Literal[
    "trl",
    "verl",
    "easyr1",
    "ms-swift",
    "llama-factory",
    "lmms-lab",
    "vlm-r1",
    "openai-rft",
]
"""As `pipelines.curation.formats` has them, which are slow to import."""


def export(
    dataset: str,
    /,
    *,
    to: FormatName,
    out: Path,
    media: Literal["paths", "embedded"] | None = None,
    boxes: Literal["pixels", "0-1", "0-1000", "resized"] = "pixels",
    max_pixels: int | None = None,
    template: str = "plain",
    split: str | None = None,
    validation: str | None = None,
    at: str | None = None,
    common: Common = DEFAULTS,
) -> None:
    """Write a dataset version as another trainer loads it, with a README that keeps its order.

    The same export again gives the same bytes.

    Parameters
    ----------
    dataset
        Name of the dataset, or `name@version`; the newest version when none is given.
    to
        Format to write.
    out
        Folder to write; a new or empty one, or one that an export of ours fills.
    media
        As files beside the rows, or inside the rows; as the format has it where none is given.
    boxes
        Frame of boxes and points: pixels of the picture, shares of its sides, thousandths of them,
        or pixels after Qwen2.5-VL's resizing.
    max_pixels
        Of `resized`: the pixels that the processor resizes to at most; 12,845,056 where none is
        given.
    template
        Prompt template whose words go with every question.
    split
        What the rows are called in the files; else as the version's plan says.
    validation
        Dataset for a validation file beside them.
    at
        Folder where the trainer will find the files, for formats that write absolute paths; else
        where they are written.
    """
    from flows import stages
    from flows.summaries import exported

    with bars() as progress:
        done = stages.export(
            common.open().require(),
            dataset,
            to,
            out,
            media=media,
            boxes=boxes,
            max_pixels=max_pixels,
            template=template,
            split=split,
            validation=validation,
            at=at,
            progress=progress,
        )
    show(done, common, exported(done))
