"""Complexity of pictures: from one grey to noise, each picture looked at once."""

import io

import numpy as np
import pytest
from PIL import Image

from pipelines.record.media import BadMedia, Media
from pipelines.record.sample import Answer, Sample, ask
from train.shaping.complexity import Complexities, texture_entropy

RNG = np.random.default_rng(0)
NOISE = RNG.integers(0, 256, (200, 300, 3), dtype=np.uint8)
FLAT = np.full((200, 300, 3), 128, np.uint8)
HALVES = np.concatenate([FLAT[:, :150], 0 * FLAT[:, :150]], axis=1)


def photo() -> np.ndarray:
    """Smooth shades with a few edges."""
    x, y = np.meshgrid(np.linspace(0, 3, 300), np.linspace(0, 3, 200))
    shades = 127 + 80 * np.sin(x) * np.cos(y) + 40 * ((x - 1) ** 2 + (y - 1) ** 2 < 0.5)
    return np.repeat(shades[:, :, None], 3, axis=2).clip(0, 255).astype(np.uint8)


def test_complexity_rises_from_one_grey_over_shades_to_noise() -> None:
    found = [texture_entropy(image) for image in (FLAT, HALVES, photo(), NOISE)]
    assert found[0] == 0
    assert found == sorted(found)
    assert 0.3 < found[2] < 0.7
    assert 0.8 < found[3] <= 1
    assert texture_entropy(np.zeros((1, 1, 3), np.uint8)) == 0


def test_two_greys_in_stripes_have_the_entropy_of_their_pairs() -> None:
    stripes = np.zeros((64, 65, 3), np.uint8)
    stripes[:, ::2] = 255
    # To the right and on both diagonals always a change, down never: 1/4 like pairs, 3/4 unlike.
    shares = np.array([1 / 8, 1 / 8, 3 / 8, 3 / 8])
    expected = -(shares * np.log2(shares)).sum() / 10
    assert texture_entropy(stripes) == pytest.approx(expected, abs=2e-3)


def test_size_hardly_matters() -> None:
    large = np.asarray(Image.fromarray(photo()).resize((1500, 1000)))
    assert texture_entropy(large) == pytest.approx(texture_entropy(photo()), abs=0.05)


def test_each_picture_is_looked_at_once_and_text_has_none() -> None:
    file = io.BytesIO()
    Image.fromarray(photo()).save(file, "PNG")
    picture, damaged = Media.of_bytes(file.getvalue(), "image"), Media.of_bytes(b"GIF8", "image")
    looked: list[str] = []

    def read(media_id: str) -> bytes:
        looked.append(media_id)
        found = {medium.media_id: medium for medium in (picture, damaged)}
        if media_id not in found:
            raise BadMedia("missing_file", media_id)
        return found[media_id].read()

    def sample(*media: Media) -> Sample:
        known = {"answer": Answer.number(1), "task": "t", "corpus": "c", "source_ref": "1"}
        return Sample(prompt=ask("?", *media), media=media, **known)

    complexities = Complexities(read)
    gone = Media("0" * 64, "image")
    assert [complexities.of(sample(picture)) for _ in range(3)] == [texture_entropy(photo())] * 3
    assert looked == [picture.media_id]
    assert complexities.of(sample(picture, picture)) == texture_entropy(photo())
    assert [complexities.of(sample(*m)) for m in [(), (damaged,), (gone,)]] == [None] * 3
