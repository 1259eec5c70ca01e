"""Drawing a contact sheet: a block for each sample, with its question above and its cells below."""

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from PIL import Image, ImageDraw

from pipelines.lettering import Face

PAPER, INK, FAINT = "#ffffff", "#1c1c1c", "#5c5c5c"
GREY, LINE = "#e6e6e6", "#bdbdbd"
CHANGED, MARK = "#c02020", "#e00060"

HEADING, STRONG, BODY, SMALL = Face(20, bold=True), Face(15, bold=True), Face(15), Face(13)
COLUMNS = 6
CELL_WIDTH = 226
PICTURE_HEIGHT = 160
GAP = 16
MARGIN = 28
PADDING = 8
"""Between the edge of a grey cell, or of a text, and its words."""
NARROW = 6
"""Between a picture and what belongs to it."""
MOST_LINES = 6
"""Of a question; what is longer ends in an ellipsis."""
MOST_NOTES = 5
LARGEST_PIXEL = 8
"""Small pictures are shown enlarged, pixel by pixel, up to this."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What a transform makes of a sample; or why it may not."""

    title: str
    note: str = ""
    """Below the picture: what was drawn, and what changed with it."""
    pictures: tuple[Image.Image, ...] = ()
    marks: tuple[tuple[float, ...], ...] = ()
    """Points and boxes in pixels of the first picture."""
    seconds: float = 0.0
    """Length of the clips behind the pictures."""
    text: str = ""
    """Shown in the place of a picture."""
    before: str = ""
    """What the text was, to show what changed."""
    forbidden: str = ""

    @property
    def notes(self) -> list[str]:
        """The lines below the picture."""
        return SMALL.wrapped(self.note, CELL_WIDTH, MOST_NOTES)

    @property
    def refusal(self) -> list[str]:
        """The lines that say why it is forbidden."""
        width, most = CELL_WIDTH - 2 * PADDING, (PICTURE_HEIGHT - 2 * PADDING) // SMALL.step
        return SMALL.wrapped(f"forbidden: {self.forbidden}", width, most)

    @property
    def height(self) -> int:
        """Of what stands between title and notes."""
        if self.forbidden:
            return len(self.refusal) * SMALL.step + 2 * PADDING
        if self.text:
            lines = len(SMALL.wrapped(self.text, CELL_WIDTH - 3 * PADDING))
            return min(PICTURE_HEIGHT, lines * SMALL.step + 2 * PADDING)
        if self.seconds:
            return PICTURE_HEIGHT
        return max(_fitted(one.size, self.share)[1] for one in self.pictures)

    @property
    def share(self) -> int:
        """Width of each of its pictures, side by side."""
        count = max(1, len(self.pictures))
        return max(1, (CELL_WIDTH - NARROW * (count - 1)) // count)


@dataclass(frozen=True, slots=True)
class Row:
    """A sample and its cells."""

    task: str
    question: str
    answer: str
    cells: tuple[Cell, ...]

    @property
    def longest(self) -> float:
        """Seconds of the longest clip."""
        return max((cell.seconds for cell in self.cells), default=0.0)

    def head(self, width: int) -> list[str]:
        """The lines that say what is asked and what is right."""
        return STRONG.wrapped(f"{self.task}, answer: {self.answer}", width, MOST_LINES)

    def said(self, width: int) -> list[str]:
        """The lines of the question."""
        return BODY.wrapped(self.question, width, MOST_LINES)


class Place(NamedTuple):
    """A place on the sheet."""

    left: int
    top: int
    width: int
    height: int

    @property
    def corners(self) -> list[int]:
        """Left, top, right and bottom, as a pen takes them."""
        return [self.left, self.top, self.left + self.width - 1, self.top + self.height - 1]

    @property
    def inside(self) -> "Place":
        """The place less the padding along its edges."""
        left, top, width, height = self
        return Place(left + PADDING, top + PADDING, width - 2 * PADDING, height - 2 * PADDING)


def draw_sheet(rows: Sequence[Row], title: str) -> Image.Image:
    """Draw all rows, one below the other."""
    columns = max(3, min(COLUMNS, max((len(row.cells) for row in rows), default=1)))
    width = columns * (CELL_WIDTH + GAP) - GAP
    head = HEADING.wrapped(title, width)
    height = len(head) * HEADING.step + sum(_height(row, columns, width) for row in rows)
    sheet = Image.new("RGB", (width + 2 * MARGIN, height + 2 * MARGIN), PAPER)
    top = HEADING.write(ImageDraw.Draw(sheet), (MARGIN, MARGIN), head, INK)
    for row in rows:
        _draw_row(sheet, row, top, columns)
        top += _height(row, columns, width)
    return sheet


def save_sheet(sheet: Image.Image, path: Path) -> None:
    """Write the sheet; its format goes by the ending, .png, .jpg or .jpeg."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(path, quality=92, optimize=True)


def _height(row: Row, columns: int, width: int) -> int:
    above = len(row.head(width)) * STRONG.step + len(row.said(width)) * BODY.step + NARROW
    return 2 * GAP + above + sum(_line_height(cells) for cells in _in_lines(row, columns))


def _line_height(cells: Sequence[Cell]) -> int:
    notes = max(len(cell.notes) for cell in cells)
    return STRONG.step + _tallest(cells) + NARROW + notes * SMALL.step + GAP


def _tallest(cells: Sequence[Cell]) -> int:
    return max(cell.height for cell in cells)


def _in_lines(row: Row, columns: int) -> Iterator[Sequence[Cell]]:
    for start in range(0, len(row.cells), columns):
        yield row.cells[start : start + columns]


def _draw_row(sheet: Image.Image, row: Row, top: int, columns: int) -> None:
    pen, width = ImageDraw.Draw(sheet), sheet.width - 2 * MARGIN
    pen.line([MARGIN, top + GAP, MARGIN + width, top + GAP], fill=LINE)
    top = STRONG.write(pen, (MARGIN, top + 2 * GAP), row.head(width), INK)
    top = BODY.write(pen, (MARGIN, top), row.said(width), INK) + NARROW
    for cells in _in_lines(row, columns):
        for column, cell in enumerate(cells):
            left = MARGIN + column * (CELL_WIDTH + GAP)
            place = Place(left, top + STRONG.step, CELL_WIDTH, _tallest(cells))
            _draw_cell(sheet, cell, place, row.longest)
        top += _line_height(cells)


def _draw_cell(sheet: Image.Image, cell: Cell, place: Place, longest: float) -> None:
    pen, title = ImageDraw.Draw(sheet), (place.left, place.top - STRONG.step)
    STRONG.write(pen, title, [cell.title], FAINT if cell.forbidden else INK)
    if cell.forbidden:
        pen.rectangle(place.corners, fill=GREY)
        SMALL.write(pen, place.inside[:2], cell.refusal, INK)
    elif cell.text:
        _draw_words(pen, place, cell)
    else:
        _draw_pictures(sheet, place, cell, longest)
    below = place.left, place.top + place.height + NARROW
    SMALL.write(pen, below, cell.notes, FAINT)


def _draw_words(pen: ImageDraw.ImageDraw, place: Place, cell: Cell) -> None:
    """Write a text word by word; what is new in it is red."""
    pen.rectangle(place.corners, outline=LINE)
    left, top, width, height = place.inside
    x = y = 0
    for piece, is_new in _compared(cell.text, cell.before):
        if piece == "\n" or x + SMALL.width(piece) > width:
            x, y = 0, y + SMALL.step
        if y + SMALL.step > height + 1:
            SMALL.write(pen, (left + width - SMALL.width("…"), top + y - 4), ["…"], INK)
            return
        if piece.isspace() and not x:
            continue
        SMALL.write(pen, (left + x, top + y), [piece], CHANGED if is_new else INK)
        x += SMALL.width(piece)


def _compared(text: str, before: str) -> Iterator[tuple[str, bool]]:
    """Give words, blanks and line ends of a text, and whether each is new."""
    now, then = _pieces(text), _pieces(before)
    matcher = difflib.SequenceMatcher(None, then, now, autojunk=False)
    for what, _, _, start, stop in matcher.get_opcodes():
        yield from ((piece, what != "equal") for piece in now[start:stop])


def _pieces(text: str) -> list[str]:
    pieces: list[str] = []
    for line in text.split("\n"):
        for word in line.split():
            pieces += [*SMALL.broken(word, CELL_WIDTH - 2 * PADDING), " "]
        pieces.append("\n")
    return pieces[:-1]


def _draw_pictures(sheet: Image.Image, place: Place, cell: Cell, longest: float) -> None:
    """Lay pictures side by side; the longest clips of a row take the whole width."""
    share = cell.share
    for number, picture in enumerate(cell.pictures):
        size = _fitted(picture.size, share)
        if cell.seconds:
            size = max(1, round(share * cell.seconds / longest)), place.height
        shown = picture.resize(size, _filter(picture.size, size))
        pen = ImageDraw.Draw(shown)
        pen.rectangle([0, 0, size[0] - 1, size[1] - 1], outline=LINE)
        if number == 0:
            _draw_marks(pen, cell.marks, size[0] / picture.width, size[1] / picture.height)
        sheet.paste(shown, (place.left + number * (share + NARROW), place.top))


def _fitted(size: tuple[int, int], width: int) -> tuple[int, int]:
    scale = min(width / size[0], PICTURE_HEIGHT / size[1], LARGEST_PIXEL)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _filter(old: tuple[int, int], new: tuple[int, int]) -> Image.Resampling:
    """Enlarge pixel by pixel, so that each is seen as it is; shrink smoothly."""
    larger = new[0] >= old[0] and new[1] >= old[1]
    return Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS


def _draw_marks(
    pen: ImageDraw.ImageDraw, marks: Sequence[tuple[float, ...]], across: float, down: float
) -> None:
    for mark in marks:
        x, y = mark[0] * across, mark[1] * down
        if len(mark) == 4:
            pen.rectangle([x, y, mark[2] * across, mark[3] * down], outline=MARK, width=2)
        else:
            pen.ellipse([x - 5, y - 5, x + 5, y + 5], outline=MARK, width=2)
            pen.line([x - 9, y, x + 9, y], fill=MARK)
            pen.line([x, y - 9, x, y + 9], fill=MARK)
