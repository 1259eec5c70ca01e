"""Frames written as a video file."""

import io
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

OPTIONS = {"g": "1", "q:v": "1", "qmin": "1", "flags": "+bitexact"}
"""Of the encoder: every frame stands for itself, and as little as can be is lost."""
MOST_TICKS = 65_535
"""Above which MPEG-4 cannot count the parts of a second."""


def encode_video(frames: NDArray[np.uint8], rate: Fraction) -> bytes:
    """Write frames [T, height, width, 3] as an MP4 file of `rate` a second; one machine gives one file.

    MPEG-4 at its best quality: every FFmpeg can write and read it, and H.264 takes four times as
    long for small pictures.
    """
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as film:
        stream = film.add_stream("mpeg4", rate=_countable(rate), options=OPTIONS)
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        for frame in frames:
            film.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        film.mux(stream.encode())
    return file.getvalue()


def _countable(rate: Fraction) -> Fraction:
    """Give the nearest rate that the format can say."""
    for most in (1001, 100, 1):
        near = rate.limit_denominator(most)
        if near.numerator <= MOST_TICKS:
            return near
    return Fraction(MOST_TICKS)
