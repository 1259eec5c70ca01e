"""The media of a view as files, for whoever needs bytes and cannot rebuild them.

Views are stored as their history and rebuilt when they are rendered; shards hold the parent's media
beside it. A picture that must be written is a JPEG: a PNG takes ten to fifty times as long and keeps
nothing that a camera would.
"""

import io
from fractions import Fraction

import numpy as np

from augment.audio import Clip
from augment.history import Applied, from_json, replay, steps_for
from augment.video import Frames
from pipelines.policies.render import ReadMedia
from pipelines.record.canonical import canonical_json
from pipelines.record.films import encode_video
from pipelines.record.media import BadMedia, decode_audio, decode_image, sample_frames
from pipelines.record.sample import Sample
from pipelines.record.videos import MAX_FRAMES, inspect_video

QUALITY = 95
"""Of a JPEG, where nothing else is asked for."""
MAX_FILM_BYTES = 2**30
"""Of the pixels of a video whose view is written: they are in memory together."""


def materialised(sample: Sample, read: ReadMedia, *, quality: int = QUALITY) -> list[bytes]:
    """Give the bytes of each medium as the sample shows it: JPEG pictures, WAV clips of floats, and
    MP4 videos without sound.

    A medium that no step of the history touches is given as it came. Floats, because noise may
    pass full scale. Raises BadMedia for one that is gone or damaged, and for a video whose pixels
    come to more than MAX_FILM_BYTES.
    """
    history = from_json(canonical_json(list(sample.history)))
    out = []
    for medium in sample.media:
        data, steps = read(medium.media_id), steps_for(medium.kind, history)
        if not steps:
            out.append(data)
        elif medium.kind == "image":
            out.append(_jpeg(data, steps, quality))
        elif medium.kind == "audio":
            out.append(_wav(data, steps))
        else:
            out.append(_mp4(data, steps))
    return out


def _jpeg(data: bytes, steps: list[Applied], quality: int) -> bytes:
    import cv2

    pixels = replay(decode_image(data), steps)
    settings = [cv2.IMWRITE_JPEG_QUALITY, quality]
    encoded = cv2.imencode(".jpg", cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR), settings)[1]
    return bytes(encoded.tobytes())


def _wav(data: bytes, steps: list[Applied]) -> bytes:
    import soundfile

    clip = replay(Clip(*decode_audio(data)), steps)
    file = io.BytesIO()
    samples = np.ascontiguousarray(clip.samples)
    soundfile.write(file, samples, clip.rate, format="WAV", subtype="FLOAT")
    return file.getvalue()


def _mp4(data: bytes, steps: list[Applied]) -> bytes:
    """Write every frame that the steps leave, evenly spaced whatever the times it came with."""
    facts = inspect_video(data)
    if (needed := facts.frames * facts.width * facts.height * 3) > MAX_FILM_BYTES:
        said = (
            f"its view would take {needed >> 20} MiB to write; {MAX_FILM_BYTES >> 20} are allowed"
        )
        raise BadMedia("video_too_large", said)
    frames, _ = sample_frames(data, MAX_FRAMES)
    rate = Fraction(facts.frames / facts.seconds).limit_denominator(1001)
    film = replay(Frames(frames, rate), steps)
    return encode_video(film.pixels, film.fps)
