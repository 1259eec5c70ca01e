"""Views: made where labels stay true, stored as history, rebuilt to the same pixels and samples."""

import io
import json
import re
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from augment.audio import Clip
from augment.history import from_json, replay
from augment.labels import overridden, read_table
from augment.number_format import number_format
from augment.question import Question
from augment.recipes import Recipe, Step, named
from augment.transforms import TRANSFORMS, Limits, Medium
from pipelines.catalog.samples import add_samples, load_samples
from pipelines.corpora.digits import digits
from pipelines.corpora.registry import CORPORA
from pipelines.ingest import ingest
from pipelines.materialise import materialised
from pipelines.policies.render import CannotShow, render
from pipelines.policies.spectrogram import log_mel_picture
from pipelines.policies.templates import TEMPLATES, PromptTemplate
from pipelines.record.canonical import Json, canonical_json
from pipelines.record.films import encode_video
from pipelines.record.media import (
    BadMedia,
    Media,
    decode_audio,
    decode_image,
    inspect,
    sample_frames,
)
from pipelines.record.sample import Answer, Sample, ask
from pipelines.rewards import grade
from pipelines.rewards.quantities import read_quantities
from pipelines.views import augment, rebuild, ruled_for, sizes_of, view
from pipelines.workspace import Workspace

PLAIN = TEMPLATES["plain"]
SEES = frozenset({"image"})


@pytest.fixture
def filled(workspace: Workspace) -> Workspace:
    for name in ("digits", "beeps"):
        ingest(workspace, CORPORA[name], options={"size": 40, "held_out": 10})
    return workspace


def stored(workspace: Workspace, condition: str) -> list[Sample]:
    rows = workspace.catalog.rows(f"select sample_id from samples where {condition}")
    return load_samples(workspace.catalog, [row["sample_id"] for row in rows])


def test_views_are_made_once_and_keep_their_parents_answer(filled: Workspace) -> None:
    first = augment(filled, named("light-image"))
    assert 0 < first.new == first.views
    assert augment(filled, named("light-image")).new == 0
    for made in stored(filled, "history is not null"):
        (parent,) = load_samples(filled.catalog, [made.parent or ""])
        assert made.answer == parent.answer
        assert made.media == parent.media
        assert made.sample_id != parent.sample_id
        assert not parent.history


def test_only_training_samples_get_views(filled: Workspace) -> None:
    augment(filled, named("light-image"))
    assert {made.split for made in stored(filled, "history is not null")} == {"train"}


def test_a_view_is_rebuilt_to_the_pixels_its_history_says(filled: Workspace) -> None:
    augment(filled, named("light-image"))
    for made in stored(filled, "history is not null")[:10]:
        shown = render(made, PLAIN, filled.media.read, SEES).images[0]
        history = from_json(canonical_json(list(made.history)))
        clean = decode_image(filled.media.read(made.media[0].media_id))
        assert np.array_equal(np.asarray(shown), replay(clean, history))
        assert not np.array_equal(np.asarray(shown), clean)


def test_a_clip_s_view_differs_from_its_parent_as_a_picture(filled: Workspace) -> None:
    augment(filled, named("light-audio"))
    made = stored(filled, "history is not null")[0]
    (parent,) = load_samples(filled.catalog, [made.parent or ""])
    pictures = [render(s, PLAIN, filled.media.read, SEES).images[0] for s in (made, parent)]
    assert pictures[0].tobytes() != pictures[1].tobytes()
    history = from_json(canonical_json(list(made.history)))
    clip = Clip(*decode_audio(filled.media.read(parent.media[0].media_id)))
    rebuilt = replay(clip, history)
    assert pictures[0].tobytes() == log_mel_picture(rebuilt.samples, rebuilt.rate).tobytes()


def test_what_nobody_has_ruled_on_gets_no_view(filled: Workspace) -> None:
    sample = stored(filled, "modality = 'image'")[0]
    assert view(replace(sample, tags=()), named("light-image"), 0, 0) is None
    assert view(replace(sample, tags=("unheard-of",)), named("light-image"), 0, 0) is None


def test_a_question_about_direction_is_never_rotated(filled: Workspace) -> None:
    sample = stored(filled, "modality = 'image' and history is null")[0]
    asked = replace(sample, tags=("natural",), prompt=ask("Is it on the left?", *sample.media))
    for copy in range(30):
        made = view(asked, named("light-image"), copy, 0)
        assert isinstance(made, Sample)
        assert "rotate" not in json.dumps([dict(step) for step in made.history])


def boxed(*tags: str, box: Sequence[Json] = (40, 30, 90, 70), text: str = "Where is it?") -> Sample:
    """A picture of 120 x 90 pixels with one dark box in it."""
    pixels = np.full((90, 120, 3), 255, np.uint8)
    x1, y1, x2, y2 = (int(str(edge)) for edge in box)
    pixels[y1:y2, x1:x2] = 20
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    picture = Media.of_bytes(file.getvalue(), "image")
    return Sample(
        prompt=ask(text, picture),
        media=(picture,),
        answer=Answer(kind="box", value=list(box)),
        task="t/box",
        tags=tags or ("grounding",),
        corpus="c",
        source_ref=f"box/{box}/{text}",
        steps=("it lies in the middle",),
    )


def brought_in(workspace: Workspace, *samples: Sample) -> None:
    facts = []
    for sample in samples:
        for medium in sample.media:
            workspace.media.put(medium)
            facts.append(inspect(medium, medium.read()))
    with workspace.catalog.write() as connection:
        add_samples(connection, samples, facts)


def recipe_of(*names: str, medium: Medium = "image", **limits: Limits) -> Recipe:
    steps = tuple(Step(name, limits.get(name, {}), 1.0) for name in names)
    return Recipe(name="mine", version=1, medium=medium, steps=steps, at_most=len(steps))


def test_a_box_moves_with_its_picture_and_the_steps_that_spoke_of_it_go(
    workspace: Workspace,
) -> None:
    brought_in(workspace, boxed())
    done = augment(workspace, recipe_of("flip_horizontal", "resize"), copies=4)
    assert done.views == 4
    for made in stored(workspace, "history is not null"):
        assert made.answer.value != [40, 30, 90, 70]
        assert made.steps == ()
        shown = np.asarray(render(made, PLAIN, workspace.media.read, SEES).images[0])
        ys, xs = np.nonzero(shown[..., 0] < 128)
        edges = [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        answered = made.answer.value
        assert isinstance(answered, list)
        assert np.abs(np.array(answered, dtype=float) - edges).max() <= 1.5
        assert grade(made.reference, json.dumps([int(e) for e in edges])).correct


def test_a_view_whose_target_is_cut_away_is_rejected_with_its_reason(workspace: Workspace) -> None:
    brought_in(workspace, boxed(box=(0, 30, 20, 70)))
    crop = recipe_of("crop", crop={"left": (100, 100)})
    done = augment(workspace, crop, copies=2)
    assert (done.views, done.rejected, done.untouched) == (0, {"cut_away": 2}, 1)
    (row,) = workspace.catalog.rows("select * from rejects where stage = 'augment'")
    assert row["reason"] == "cut_away"
    assert "mine@1" in row["detail"]
    assert "still in sight" in row["detail"]


def test_an_answer_that_cannot_move_forbids_what_would_move_it(workspace: Workspace) -> None:
    said = replace(boxed("natural"), answer=Answer.text("over there"))
    asked = replace(said, prompt=ask("What is in the region (10, 20, 30, 40)?", *said.media))
    brought_in(workspace, boxed("natural"), asked)
    done = augment(workspace, recipe_of("resize"))
    assert done.views == 0
    assert set(done.forbidden) == {
        "resize: the answer is a place, and no tag says so",
        "resize: the question speaks of '(10, 20, 30, 40)', which would have to move too",
    }


def test_words_and_pixels_change_in_one_view(workspace: Workspace) -> None:
    brought_in(workspace, boxed(text="Where is the darkest rectangle? Answer with its place."))
    augment(workspace, recipe_of("flip_horizontal", "typing_noise"))
    (made,) = stored(workspace, "history is not null")
    (parent,) = load_samples(workspace.catalog, [made.parent or ""])
    assert made.question != parent.question
    assert made.answer.value == [30, 30, 80, 70]
    shown = np.asarray(render(made, PLAIN, workspace.media.read, SEES).images[0])
    clean = decode_image(workspace.media.read(made.media[0].media_id))
    assert np.array_equal(shown, clean[:, ::-1])


def test_a_question_in_words_alone_gets_views_too(workspace: Workspace) -> None:
    text = "Which number is the product of 12 and 12?\nA) 142\nB) 144\nC) 146"
    sample = Sample(
        prompt=ask(text),
        answer=Answer.choice("B", ("142", "144", "146")),
        task="t/choice",
        tags=("arithmetic",),
        corpus="c",
        source_ref="r",
        steps=("12 x 12 = 144", "So B"),
    )
    brought_in(workspace, sample)
    done = augment(workspace, recipe_of("shuffle_options", medium="text"), copies=12)
    views = stored(workspace, "history is not null")
    # Five other orders, and two draws of one order are one view.
    assert done.views == 12
    assert 2 <= done.new == len(views) <= 5
    for made in views:
        assert made.answer.options["ABC".index(str(made.answer.value))] == "144"
        assert f"\n{made.answer.value}) 144" in made.question
        assert made.steps == ()
        assert grade(made.reference, f"The answer is {made.answer.value}").correct


def test_a_view_is_rebuilt_whole_from_parent_and_history(workspace: Workspace) -> None:
    brought_in(workspace, boxed(), boxed(box=(10, 10, 100, 50), text="Where is the thing again?"))
    augment(workspace, recipe_of("rotate", "resize", "typing_noise", "jpeg"), copies=3)
    views = stored(workspace, "history is not null")
    assert views
    for made in views:
        (parent,) = load_samples(workspace.catalog, [made.parent or ""])
        history = from_json(canonical_json(list(made.history)))
        again = rebuild(parent, history, sizes_of(workspace, [parent]), recipe=made.recipe)
        assert again.sample_id == made.sample_id
        pictures = [render(s, PLAIN, workspace.media.read, SEES).images[0] for s in (made, again)]
        assert pictures[0].tobytes() == pictures[1].tobytes()


def test_a_view_that_must_be_a_file_is_a_jpeg_or_a_clip_of_floats(filled: Workspace) -> None:
    augment(filled, named("light-image"))
    augment(filled, named("light-audio"))
    views = stored(filled, "history is not null")
    pictures = [v for v in views if v.modality == "image"][:5]
    clips = [v for v in views if v.modality == "audio"][:5]
    for made in pictures:
        (data,) = materialised(made, filled.media.read)
        assert data[:2] == b"\xff\xd8"
        shown = np.asarray(render(made, PLAIN, filled.media.read, SEES).images[0], dtype=float)
        assert np.abs(decode_image(data) - shown).mean() < 6
        assert materialised(made, filled.media.read) == [data]
        assert len(materialised(made, filled.media.read, quality=60)[0]) < len(data)
    for made in clips:
        (data,) = materialised(made, filled.media.read)
        history = from_json(canonical_json(list(made.history)))
        clean = Clip(*decode_audio(filled.media.read(made.media[0].media_id)))
        again = replay(clean, history)
        samples, rate = decode_audio(data)
        assert rate == again.rate
        assert np.array_equal(samples, again.samples)
    (parent,) = load_samples(filled.catalog, [pictures[0].parent or ""])
    assert materialised(parent, filled.media.read) == [filled.media.read(parent.media[0].media_id)]


def test_a_view_of_a_video_that_must_be_a_file_holds_the_frames_that_are_left(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    greys = np.linspace(20, 230, 12, dtype=np.uint8)
    frames = np.broadcast_to(greys[:, None, None, None], (12, 31, 41, 3)).copy()
    frames[:, :, :20] = 0  # dark on the left, so that a flip is seen
    film = Media.of_bytes(encode_video(frames, Fraction(30000, 1001)), "video")
    asked = Sample(
        prompt=ask("How bright does it get?", film),
        media=(film,),
        answer=Answer(kind="number", value=230),
        task="films/bright",
        corpus="c",
        source_ref="r",
    )
    made = replace(
        asked,
        parent=asked.sample_id,
        history=(
            {"name": "frame_drop", "version": 1, "params": {"every": 3}},
            {"name": "flip_horizontal", "version": 1, "params": {}},
        ),
    )
    (data,) = materialised(made, lambda _: film.read())
    assert materialised(made, lambda _: film.read()) == [data]
    facts = inspect(Media.of_bytes(data, "video"), data)
    assert (facts.frames, facts.width, facts.height) == (4, 41, 31)
    assert facts.seconds == pytest.approx(12 * 1001 / 30000, rel=1e-3)
    shown, _ = sample_frames(data, 12)
    bright, dark = shown[:, 4:-4, 4:16].mean((1, 2, 3)), shown[:, 4:-4, -16:-4].mean((1, 2, 3))
    assert np.abs(bright - greys[::3]).max() < 6
    assert dark.max() < 6
    monkeypatch.setattr("pipelines.materialise.MAX_FILM_BYTES", 12 * 31 * 41 * 3 - 1)
    with pytest.raises(BadMedia, match="its view would take"):
        materialised(made, lambda _: film.read())


def test_numbers_that_are_written_otherwise_are_read_as_the_same(workspace: Workspace) -> None:
    text = "A town of 48000 people has 1200 trees and 2,500,000 leaves; how many each?"
    for style, said in ((1, "48,000 people"), (2, "2500000 leaves")):
        now = number_format(Question((text,)), style=style).text
        assert said in now
        numbers = [
            [q.value for q in read_quantities(clause)]
            for written in (text, now)
            for clause in re.findall(r"\S*\d\S*", written)
        ]
        assert numbers[:3] == numbers[3:]


def test_labels_change_exactly_where_the_table_says_remap(filled: Workspace) -> None:
    parents = stored(filled, "history is null and modality in ('image', 'audio')")[:40]
    sizes = sizes_of(filled, parents)
    for name, transform in TRANSFORMS.items():
        if transform.medium == "video" or name == "clip_noise":
            continue
        recipe = recipe_of(name, medium=transform.medium)
        for parent in parents:
            ruled = ruled_for(parent, recipe, sizes)[name]
            made = view(parent, recipe, 0, 0, sizes=sizes)
            assert (made is None) == (not ruled.allowed)
            if isinstance(made, Sample):
                changed = made.answer != parent.answer
                assert changed == (ruled.outcome == "remap"), (name, parent.task)


def test_flips_break_left_and_right_only_where_the_table_is_overridden(tmp_path: Path) -> None:
    rows = tmp_path / "mine.toml"
    cell = '"ocr, direction, sides, shape" = { safe = "let us see" }'
    rows.write_text(f"[flip_horizontal]\n{cell}\n")
    parents = [s for s in digits(size=200, held_out=0) if s.task == "digits/larger"]
    flip = recipe_of("flip_horizontal")
    assert parents
    for parent in parents:
        assert view(parent, flip, 0, 0) is None
        made = view(parent, flip, 0, 0, table=overridden(read_table(rows)))
        assert isinstance(made, Sample)
        assert made.answer == parent.answer


def test_a_policy_that_takes_no_audio_sees_a_log_mel_picture(filled: Workspace) -> None:
    clip = stored(filled, "modality = 'audio'")[0]
    shown = render(clip, PLAIN, filled.media.read, SEES)
    assert len(shown.images) == 1
    assert [b["type"] for b in shown.messages[-1]["content"]] == ["image", "text"]


def test_a_policy_that_sees_nothing_says_what_it_takes(filled: Workspace) -> None:
    picture = stored(filled, "modality = 'image'")[0]
    with pytest.raises(CannotShow, match="takes text only, not image"):
        render(picture, PLAIN, filled.media.read, frozenset())


def test_a_template_s_words_and_pixel_limit_are_in_what_is_shown(filled: Workspace) -> None:
    picture = stored(filled, "modality = 'image' and history is null")[0]
    template = PromptTemplate(name="t", system="Be brief.", instruction="Box it.", max_pixels=64)
    shown = render(picture, template, filled.media.read, SEES)
    assert shown.messages[0] == {
        "role": "system",
        "content": [{"type": "text", "text": "Be brief."}],
    }
    assert shown.messages[-1]["content"][-1]["text"].strip() == "Box it."
    width, height = shown.images[0].size
    assert width * height <= 64
    assert template.template_id != PLAIN.template_id


def test_a_view_of_a_view_s_family_survives_the_catalog(workspace: Workspace) -> None:
    first = Sample(
        prompt=ask("2+2"),
        answer=Answer.number(4),
        task="t/t",
        corpus="c",
        source_ref="r",
    )
    made = replace(first, parent=first.sample_id, history=({"name": "x", "params": {"a": 1}},))
    with workspace.catalog.write() as connection:
        add_samples(connection, [first, made])
    (loaded,) = load_samples(workspace.catalog, [made.sample_id])
    assert loaded.sample_id == made.sample_id
