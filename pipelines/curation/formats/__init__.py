"""Formats of other trainers, one a file: what a row of a dataset looks like there."""

from pipelines.curation.formats import (
    easyr1,
    llama_factory,
    lmms_lab,
    ms_swift,
    openai_rft,
    trl,
    verl,
    vlm_r1,
)
from pipelines.curation.formats.shape import Format

FORMATS: dict[str, Format] = {
    module.FORMAT.name: module.FORMAT
    for module in (trl, verl, easyr1, ms_swift, llama_factory, lmms_lab, vlm_r1, openai_rft)
}

__all__ = ["FORMATS", "Format"]
