"""Views: made where labels stay true, stored as history, rebuilt to the same pixels and samples."""

import json
from dataclasses import replace

import numpy as np
import pytest

from augment.audio import Clip
from augment.history import from_json, replay
from augment.recipes import named
from pipelines.catalog.samples import add_samples, load_samples
from pipelines.corpora.registry import CORPORA
from pipelines.ingest import ingest
from pipelines.policies.render import CannotShow, render
from pipelines.policies.spectrogram import log_mel_picture
from pipelines.policies.templates import TEMPLATES, PromptTemplate
from pipelines.record.canonical import canonical_json
from pipelines.record.media import decode_audio, decode_image
from pipelines.record.sample import Answer, Sample, ask
from pipelines.views import augment, view
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
        assert made is not None
        assert "rotate" not in json.dumps([dict(step) for step in made.history])


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
