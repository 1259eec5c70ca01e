import itertools

import numpy as np
import pytest

from augment.colour import (
    UNIT,
    brightness_contrast,
    colour_matrix,
    grayscale,
    hue_saturation,
    invert,
    light_table,
)
from augment.image import Image


def noise(height: int = 31, width: int = 47) -> Image:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


def one(colour: tuple[int, int, int]) -> Image:
    return np.array([[colour]], dtype=np.uint8)


def test_all_percent_at_100_is_the_same_picture() -> None:
    assert np.array_equal(brightness_contrast(noise(), brightness=100, contrast=100), noise())
    assert np.array_equal(hue_saturation(noise(), hue=0, saturation=100), noise())


def test_brightness_scales_and_contrast_spreads_about_middle_grey() -> None:
    image = np.array([[[0, 50, 100], [128, 200, 255]]], dtype=np.uint8)
    brighter = brightness_contrast(image, brightness=120, contrast=100)
    assert brighter.tolist() == [[[0, 60, 120], [154, 240, 255]]]
    flatter = brightness_contrast(image, brightness=100, contrast=50)
    assert flatter.tolist() == [[[64, 89, 114], [128, 164, 192]]]
    assert (brightness_contrast(image, brightness=0, contrast=100) == 0).all()
    assert (brightness_contrast(image, brightness=100, contrast=0) == 128).all()


@pytest.mark.parametrize(("brightness", "contrast"), [(80, 120), (133, 77), (400, 400), (1, 99)])
def test_the_table_is_the_formula_rounded_half_up(brightness: int, contrast: int) -> None:
    exact = (np.arange(256) * brightness / 100 - 128) * contrast / 100 + 128
    assert np.array_equal(light_table(brightness, contrast), np.floor(exact.clip(0, 255) + 0.5))


@pytest.mark.parametrize("hue", [-180, -77, 0, 13, 120])
@pytest.mark.parametrize("saturation", [0, 60, 100, 140, 400])
def test_colours_are_turned_in_integers_and_grey_stays_grey(hue: int, saturation: int) -> None:
    matrix = colour_matrix(hue, saturation)
    assert matrix.sum(axis=1).tolist() == [UNIT] * 3
    for size in ((31, 47), (1, 1), (1, 9), (5, 1)):
        image = noise(*size)
        exact = (image.astype(np.int64) @ matrix.T + UNIT // 2) >> 10
        out = hue_saturation(image, hue=hue, saturation=saturation)
        assert np.array_equal(out, exact.clip(0, 255))
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=-1)
    assert np.array_equal(hue_saturation(greys, hue=hue, saturation=saturation), greys)


def test_a_turn_by_a_third_makes_red_green_and_green_blue() -> None:
    red, green = one((200, 60, 60)), one((60, 200, 60))
    assert hue_saturation(red, hue=120, saturation=100)[0, 0].argmax() == 1
    assert hue_saturation(green, hue=120, saturation=100)[0, 0].argmax() == 2
    assert hue_saturation(green, hue=-120, saturation=100)[0, 0].argmax() == 0


def test_no_saturation_is_grey_and_more_is_stronger() -> None:
    colour = one((140, 110, 120))
    spread = [int(np.ptp(hue_saturation(colour, hue=0, saturation=s))) for s in (0, 50, 100, 200)]
    assert spread == [0, 15, 30, 60]


def test_turning_back_gives_nearly_the_same_colours() -> None:
    mild = np.array(list(itertools.product((100, 128, 156), repeat=3)), dtype=np.uint8)[None]
    there = hue_saturation(mild, hue=40, saturation=100)
    back = hue_saturation(there, hue=-40, saturation=100)
    assert np.abs(back.astype(int) - mild).max() <= 2


def test_grayscale_keeps_how_light_a_colour_is() -> None:
    out = grayscale(noise())
    assert (out[..., 0] == out[..., 1]).all()
    assert (out[..., 1] == out[..., 2]).all()
    assert np.abs(out[..., 0] - noise() @ [0.299, 0.587, 0.114]).max() <= 0.51
    assert grayscale(noise(1, 1)).shape == (1, 1, 3)


def test_inverting_twice_is_the_identity() -> None:
    assert np.array_equal(invert(noise()), 255 - noise())
    assert np.array_equal(invert(invert(noise())), noise())
