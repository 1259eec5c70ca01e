"""Media as other trainers can take them: what they would crash on or show askew is drawn anew.

They open a picture with Pillow and no more: one that lies on its side by its EXIF tag stays so,
and CMYK, transparency, sixteen bits or several frames crash the processor or look otherwise than
when they were scored. A plain file is handed on byte for byte.
"""

import hashlib
import io

from PIL import Image

from augment.history import from_json, steps_for
from pipelines.curation.formats.row import Shown
from pipelines.materialise import materialised
from pipelines.policies.render import ReadMedia
from pipelines.record.canonical import canonical_json
from pipelines.record.media import BadMedia, decode_image
from pipelines.record.sample import Sample

PLAIN_FORMATS = {"PNG": "png", "JPEG": "jpg", "WEBP": "webp"}
PLAIN_MODES = frozenset({"RGB", "L"})
UPRIGHT = 1
ORIENTATION = 0x0112
"""The EXIF tag that says how a picture is to be turned."""
_ENDINGS = {
    "audio": ((b"RIFF", 0, "wav"), (b"fLaC", 0, "flac"), (b"OggS", 0, "ogg")),
    "video": ((b"ftyp", 4, "mp4"), (b"\x1aE\xdf\xa3", 0, "mkv"), (b"RIFF", 0, "avi")),
}
_OTHERWISE = {"audio": "mp3", "video": "mp4"}


def shown_media(sample: Sample, read: ReadMedia) -> tuple[Shown, ...]:
    """Give the media of a sample as they are shown. Raises BadMedia for one that is damaged."""
    touched = from_json(canonical_json(list(sample.history)))
    if any(steps_for(medium.kind, touched) for medium in sample.media):
        data = materialised(sample, read)
    else:
        data = [read(medium.media_id) for medium in sample.media]
    return tuple(
        _picture(one) if medium.kind == "image" else _clip(medium.kind, one)
        for medium, one in zip(sample.media, data, strict=True)
    )


def why_not_plain(picture: Image.Image) -> str:
    """Say what a loader that only opens a picture would get wrong; nothing for a plain one."""
    if picture.format not in PLAIN_FORMATS:
        return f"{picture.format} file"
    if getattr(picture, "n_frames", 1) > 1:
        return "several frames"
    if picture.mode not in PLAIN_MODES or "transparency" in picture.info:
        return f"mode {picture.mode}"
    turned = picture.getexif().get(ORIENTATION, UPRIGHT)
    return "" if turned == UPRIGHT else f"turned by its EXIF tag ({turned})"


def _picture(data: bytes) -> Shown:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            if not why_not_plain(picture):
                return _named("image", PLAIN_FORMATS[str(picture.format)], data, picture.size)
    except (OSError, ValueError, SyntaxError) as error:
        raise BadMedia("undecodable_image", str(error)[:200]) from error
    upright = Image.fromarray(decode_image(data))
    file = io.BytesIO()
    upright.save(file, "PNG", compress_level=1)
    return _named("image", "png", file.getvalue(), upright.size)


def _clip(kind: str, data: bytes) -> Shown:
    ending = next(
        (name for mark, at, name in _ENDINGS[kind] if data[at : at + len(mark)] == mark),
        _OTHERWISE[kind],
    )
    return _named(kind, ending, data, None)


def _named(kind: str, ending: str, data: bytes, size: tuple[int, int] | None) -> Shown:
    name = f"{hashlib.sha256(data).hexdigest()}.{ending}"
    return Shown(kind, name, data, size)  # type: ignore[arg-type]
