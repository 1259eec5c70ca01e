"""Words on a picture: broken into lines that fit, and shortened where there are too many."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from PIL import ImageDraw, ImageFont

LINE_HEIGHT = 1.3


@dataclass(frozen=True, slots=True)
class Face:
    """A size of letters in pixels, and how heavy they are."""

    size: int
    bold: bool = False

    @property
    def step(self) -> int:
        """From one line to the next, in pixels."""
        return round(self.size * LINE_HEIGHT)

    def width(self, text: str) -> int:
        """How wide a text is, in pixels."""
        return round(_font(self).getlength(text))

    def wrapped(self, text: str, width: int, most: int | None = None) -> list[str]:
        """Break a text into lines that are no wider, and end in an ellipsis after `most`."""
        lines: list[str] = []
        for paragraph in text.split("\n") if text else ():
            lines += self._lines(paragraph, width)
        if most is None or len(lines) <= most:
            return lines
        return [*lines[: most - 1], self._cut(lines[most - 1], width)]

    def broken(self, word: str, width: int) -> Iterator[str]:
        """Break one word where it is wider than a line."""
        word = "".join(c if c.isprintable() else "�" for c in word)
        start = 0
        for end in range(1, len(word) + 1):
            if end - start > 1 and self.width(word[start:end]) > width:
                yield word[start : end - 1]
                start = end - 1
        yield word[start:]

    def write(
        self, pen: ImageDraw.ImageDraw, at: tuple[int, int], lines: Sequence[str], colour: str
    ) -> int:
        """Write lines, one below the other, and give the place below the last."""
        left, top = at
        for line in lines:
            pen.text((left, top), line, font=_font(self), fill=colour)
            top += self.step
        return top

    def _lines(self, paragraph: str, width: int) -> Iterator[str]:
        line = ""
        for given in paragraph.split():
            for word in self.broken(given, width):
                longer = f"{line} {word}".strip()
                if line and self.width(longer) > width:
                    yield line
                    longer = word
                line = longer
        yield line

    def _cut(self, line: str, width: int) -> str:
        while line and self.width(f"{line} …") > width:
            line = line[:-1]
        return f"{line.rstrip(' .,;:')} …"


@cache
def _font(face: Face) -> ImageFont.FreeTypeFont:
    """Load DejaVu Sans, which comes with matplotlib and knows Greek, Cyrillic and formulas."""
    from matplotlib import get_data_path

    name = "DejaVuSans-Bold.ttf" if face.bold else "DejaVuSans.ttf"
    path = Path(get_data_path()) / "fonts" / "ttf" / name
    return ImageFont.truetype(path, face.size, layout_engine=ImageFont.Layout.BASIC)
