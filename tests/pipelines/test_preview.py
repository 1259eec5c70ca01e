"""The contact sheet: what it shows, where it marks answers, and that nothing runs into anything."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageColor
from sides import keep, pictures

from augment.recipes import named
from pipelines.contact_sheet import (
    CELL_WIDTH,
    GAP,
    MARGIN,
    MARK,
    Cell,
    Row,
    draw_sheet,
    save_sheet,
)
from pipelines.corpora.blinks import blinks
from pipelines.lettering import Face
from pipelines.preview import Preview, in_words
from pipelines.record.media import Media
from pipelines.record.sample import Answer, Sample, ask
from pipelines.twins import TwinMaker
from pipelines.workspace import Workspace

PINK = ImageColor.getrgb(MARK)


def box_sample() -> Sample:
    """A picture with a dark patch, and the patch's box for an answer."""
    pixels = np.full((60, 100, 3), 255, np.uint8)
    pixels[20:40, 10:40] = 0
    media = Media.of_bytes(cv2.imencode(".png", pixels)[1].tobytes(), "image")
    return Sample(
        prompt=ask("Where is the patch?", media),
        media=(media,),
        answer=Answer(kind="box", value=[10, 20, 40, 40]),
        task="patches/box",
        tags=("grounding",),
        corpus="patches",
        source_ref="train/0",
    )


def cells_of(workspace: Workspace, sample: Sample, recipe: str | None = None) -> dict[str, Cell]:
    ids = keep(workspace, [sample])
    with workspace.catalog.write() as connection:
        connection.execute("update media set width = 100, height = 60")
    shown = Preview(workspace, TwinMaker(), named(recipe) if recipe else None)
    (row,) = shown.rows(ids, 3)
    return {cell.title: cell for cell in row.cells}


def test_a_moved_box_is_drawn_where_the_patch_went(workspace: Workspace) -> None:
    cells = cells_of(workspace, box_sample())
    assert cells["as it is"].marks == ((10.0, 20.0, 40.0, 40.0),)
    flipped = cells["flip_horizontal"]
    assert flipped.marks == ((60.0, 20.0, 90.0, 40.0),)
    assert "answer: 60, 20, 90, 40" in flipped.note
    for name in ("flip_horizontal", "flip_vertical", "resize", "pad", "quarter_turn"):
        pixels = np.asarray(cells[name].pictures[0].convert("L"))
        (x1, y1, x2, y2) = (round(number) for number in cells[name].marks[0])
        inside = pixels[y1 + 1 : y2 - 1, x1 + 1 : x2 - 1]
        assert inside.mean() < 40, name
        assert (pixels < 100).sum() == pytest.approx(inside.size, rel=0.25), name


def test_marks_lie_on_the_sheet_over_what_they_mark(workspace: Workspace) -> None:
    cell = cells_of(workspace, box_sample())["as it is"]
    sheet = np.asarray(draw_sheet([Row("patches/box", "Where?", "here", (cell,))], "one"))
    ys, xs = np.nonzero((sheet == PINK).all(axis=2))
    patch = sheet[(ys.min() + ys.max()) // 2, (xs.min() + xs.max()) // 2]
    assert patch.tolist() == [0, 0, 0]
    scale = CELL_WIDTH / 100
    assert xs.min() - MARGIN == pytest.approx(10 * scale, abs=2)
    assert xs.max() - MARGIN == pytest.approx(40 * scale, abs=2)


def test_what_is_forbidden_says_why_in_words(workspace: Workspace) -> None:
    cells = cells_of(workspace, pictures(1)[0])
    assert "left, right" in cells["rotate"].forbidden
    assert not cells["gaussian_noise"].forbidden
    assert not cells["flip_horizontal"].forbidden
    assert cells["flip_horizontal"].note.startswith("answer: ")


def test_a_recipe_is_shown_with_whole_draws_of_it(workspace: Workspace) -> None:
    cells = cells_of(workspace, replace(pictures(1)[0], tags=("natural",)), "light-image")
    assert list(cells) == [
        *("as it is", "rotate", "gaussian_noise", "jpeg"),
        *("copy 1", "copy 2", "copy 3"),
    ]
    drawn = cells["copy 1"].note.splitlines()[0].split()[0]
    assert drawn in ("rotate", "gaussian_noise", "jpeg")


def test_samples_come_from_as_many_tasks_as_possible(workspace: Workspace) -> None:
    many = [replace(one, task=f"task/{i % 3}") for i, one in enumerate(pictures(30))]
    ids = keep(workspace, many)
    rows = Preview(workspace, TwinMaker()).rows(ids, 3)
    assert {row.task for row in rows} == {"task/0", "task/1", "task/2"}
    assert len(Preview(workspace, TwinMaker()).rows(ids, 5)) == 5


@pytest.mark.parametrize("words", ["a " * 500, "x" * 3000, "two\nlines\tand \x00 more", "Ελληνικά"])
def test_no_words_leave_their_cell(words: str) -> None:
    blank = Cell("blank", pictures=(Image.new("RGB", (10, 10), "white"),))
    for cell in (
        Cell("no", forbidden=words),
        Cell("text", text=words),
        Cell("note", words, blank.pictures),
    ):
        sheet = draw_sheet([Row("task", "question", "answer", (cell, blank, blank))], "title")
        pixels = np.asarray(sheet.convert("L"), int)
        right = MARGIN + CELL_WIDTH
        cells = pixels[MARGIN + 130 :]
        assert cells[:, right : right + GAP].min() == 255
        assert cells[-MARGIN // 2 :].min() == 255


def test_lines_are_no_wider_than_asked_and_end_in_an_ellipsis() -> None:
    face = Face(13)
    lines = face.wrapped("counting " * 60 + "y" * 200, 180)
    assert max(map(face.width, lines)) <= 180
    assert "".join(lines).replace(" ", "") == "counting" * 60 + "y" * 200
    short = face.wrapped("counting " * 60, 180, 2)
    assert len(short) == 2
    assert short[-1].endswith(" …")
    assert face.width(short[-1]) <= 180
    assert face.wrapped("", 100) == []


def test_answers_are_in_words() -> None:
    assert in_words(Answer.choice("B", ("red", "blue"))) == "B) blue"
    assert in_words(Answer.bool(False)) == "no"
    assert in_words(Answer.number(3, unit="cm")) == "3 cm"
    assert in_words(Answer(kind="point", value=["1.5", 2])) == "1.5, 2"


def test_a_sheet_is_written_as_its_ending_says(tmp_path: Path) -> None:
    sheet = draw_sheet([], "nothing")
    for name, kind in (("a.png", "PNG"), ("deep/a.jpg", "JPEG")):
        save_sheet(sheet, tmp_path / name)
        with Image.open(tmp_path / name) as picture:
            assert (picture.format, picture.size) == (kind, sheet.size)


def test_a_film_is_drawn_as_some_of_its_frames_side_by_side(workspace: Workspace) -> None:
    sample = next(blinks(size=1, held_out=0))
    ids = keep(workspace, [sample])
    (row,) = Preview(workspace, TwinMaker()).rows(ids, 1)
    cells = {cell.title: cell for cell in row.cells}
    assert [picture.size for picture in cells["as it is"].pictures] == [(4 * 32, 32)]
    assert cells["frame_drop"].forbidden
