import numpy as np
import pytest
from numpy.typing import NDArray

from pipelines.policies.spectrogram import MELS, log_mel_picture


def tone(hertz: float, seconds: float = 0.3, rate: int = 8000) -> NDArray[np.float32]:
    time = np.arange(int(seconds * rate)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def darkest_row(samples: NDArray[np.float32], rate: int = 8000) -> int:
    return int(np.asarray(log_mel_picture(samples, rate))[..., 0].mean(axis=1).argmin())


def test_a_higher_tone_is_drawn_higher() -> None:
    rows = [darkest_row(tone(hertz)) for hertz in (200, 400, 800, 1600, 3200)]
    assert rows == sorted(rows, reverse=True)
    assert len(set(rows)) == 5


def test_a_tone_is_drawn_at_one_height_whatever_the_rate() -> None:
    assert darkest_row(tone(1000)) == darkest_row(tone(1000, rate=44100), 44100)


@pytest.mark.parametrize("level", [0.0, 1e-4])
def test_silence_is_white(level: float) -> None:
    clip = np.full(4000, level, np.float32)
    assert np.asarray(log_mel_picture(clip, 8000))[: MELS // 2].min() > 200


@pytest.mark.parametrize(("seconds", "width"), [(0.001, 16), (0.3, 16), (0.5, 32), (60, 128)])
def test_the_width_follows_the_length_up_to_a_limit(seconds: float, width: int) -> None:
    assert log_mel_picture(tone(440, seconds), 8000).size == (width, MELS)


def test_time_runs_to_the_right_in_a_long_clip_too() -> None:
    clip = np.concatenate([np.zeros(8000 * 5, np.float32), tone(440, 5)])
    picture = np.asarray(log_mel_picture(clip, 8000))[..., 0]
    assert picture[:, :60].min() > 250
    assert picture[:, 70:].min() < 20
