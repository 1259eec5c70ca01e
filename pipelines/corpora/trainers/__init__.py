"""Sets in the formats of trainers, as anybody writes them, as samples.

Rows that Curricle exported carry their samples and give exactly these; of all others the prompt,
the media and the gold are read by the format's own rules.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from pipelines.corpora.reading import Raw
from pipelines.corpora.tables import read_rows
from pipelines.corpora.trainers.files import declared, files_in
from pipelines.corpora.trainers.rows import RowReader
from pipelines.corpora.trainers.shapes import SHAPES, Shape
from pipelines.curation.formats.frames import Frame


def read(shape: Shape, corpus: str, root: Path, *, boxes: Frame = "pixels") -> Iterator[Raw]:
    """Read the rows of a file, or of all files of a folder.

    Args:
        boxes: the frame that coordinates of gold are in, where the rows do not say it.

    Raises CorpusError where there are no rows.
    """
    base = root if root.is_dir() else root.parent
    for path in files_in(root):
        of_file, names = declared(root, path, shape)
        reader = RowReader(corpus, of_file, names, base, path, boxes)
        yield from read_rows(corpus, path, path.relative_to(base).as_posix(), reader.sample)


FORMATS: dict[str, Callable[[str, Path], Iterator[Raw]]] = {
    name: partial(read, shape) for name, shape in SHAPES.items()
}
"""Readers by the name of the format; each takes the corpus' name and its folder or file."""
