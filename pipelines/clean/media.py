"""Look at every medium once: what decodes goes on with its facts, the rest says why it cannot."""

from collections.abc import Callable, Iterable, Iterator

from pipelines.clean.screen import lies_in_its_picture
from pipelines.record.media import BadMedia, Media, MediaFacts, inspect
from pipelines.record.sample import Sample
from pipelines.record.steps import Record, Reject, reject

REMEMBERED = 50_000
"""Media that are not decoded again when another record shows them."""

Inspected = tuple[Sample, tuple[MediaFacts, ...]] | Reject


class Inspector:
    """Decodes the media of samples, each once.

    `keep` (such as `MediaStore.put`) is given the same bytes once they proved good.
    """

    def __init__(self, keep: Callable[[Media, bytes], object] | None = None) -> None:
        self._keep = keep
        self._known: dict[str, MediaFacts | BadMedia] = {}

    def inspect(self, sample: Sample) -> Inspected:
        """Give a sample with the facts of its media, or the reject that says what is wrong."""
        facts = []
        for medium in sample.media:
            seen = self._look(medium)
            if isinstance(seen, BadMedia):
                return reject(sample, "media", seen.reason, seen.detail)
            facts.append(seen)
        verdict = lies_in_its_picture(sample, facts)
        if not verdict.keep:
            return reject(sample, "media", verdict.reason, verdict.detail)
        return sample, tuple(facts)

    def _look(self, medium: Media) -> MediaFacts | BadMedia:
        if medium.media_id not in self._known:
            if len(self._known) >= REMEMBERED:
                self._known.clear()
            self._known[medium.media_id] = _inspected(medium, self._keep)
        return self._known[medium.media_id]


def inspect_media(
    records: Iterable[Record], *, keep: Callable[[Media, bytes], object] | None = None
) -> Iterator[Inspected]:
    """Give each sample with what its media showed, in order; rejects pass through."""
    inspector = Inspector(keep)
    for record in records:
        yield record if isinstance(record, Reject) else inspector.inspect(record)


def _inspected(
    medium: Media, keep: Callable[[Media, bytes], object] | None
) -> MediaFacts | BadMedia:
    try:
        data = medium.read()
        facts = inspect(medium, data)
    except BadMedia as error:
        return error
    except MemoryError:
        return BadMedia("takes_too_much_memory", f"a {medium.kind} of {len(data)} bytes")
    except Exception as error:  # decoders meet hostile files in ways that they do not document
        return BadMedia(f"undecodable_{medium.kind}", f"{type(error).__name__}: {error}"[:200])
    if keep is not None:
        try:
            keep(medium, data)
        except BadMedia as error:  # the file changed since the reader saw it
            return error
    return facts
