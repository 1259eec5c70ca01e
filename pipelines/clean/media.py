"""Look at every medium once: what decodes goes on with its facts, the rest says why it cannot."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

from pipelines.clean.screen import lies_in_its_picture
from pipelines.record.media import BadMedia, Media, MediaFacts, inspect
from pipelines.record.sample import Sample
from pipelines.record.steps import Record, Reject, reject

BATCH = 64

Inspected = tuple[Sample, tuple[MediaFacts, ...]] | Reject


def inspect_media(
    records: Iterable[Record],
    threads: int = 4,
    *,
    keep: Callable[[Media, bytes], object] | None = None,
) -> Iterator[Inspected]:
    """Decode the media of samples in a thread pool and give each sample with what that showed.

    A medium is read and decoded once a run; `keep` (such as `MediaStore.put`) is given the same
    bytes once they proved good. Order is kept.
    """
    known: dict[str, MediaFacts | BadMedia] = {}
    stream = iter(records)
    with ThreadPoolExecutor(threads) as pool:
        while batch := list(islice(stream, BATCH)):
            media = {m.media_id: m for r in batch if isinstance(r, Sample) for m in r.media}
            unseen = [medium for key, medium in media.items() if key not in known]
            facts = pool.map(lambda medium: _inspect(medium, keep), unseen)
            known.update(zip((medium.media_id for medium in unseen), facts, strict=True))
            for record in batch:
                yield record if isinstance(record, Reject) else _judged(record, known)


def _inspect(medium: Media, keep: Callable[[Media, bytes], object] | None) -> MediaFacts | BadMedia:
    try:
        data = medium.read()
        facts = inspect(medium, data)
    except BadMedia as error:
        return error
    except Exception as error:  # decoders meet hostile files in ways that they do not document
        return BadMedia(f"undecodable_{medium.kind}", f"{type(error).__name__}: {error}"[:200])
    if keep is not None:
        try:
            keep(medium, data)
        except BadMedia as error:  # the file changed since the reader saw it
            return error
    return facts


def _judged(sample: Sample, known: dict[str, MediaFacts | BadMedia]) -> Inspected:
    facts = []
    for medium in sample.media:
        seen = known[medium.media_id]
        if isinstance(seen, BadMedia):
            return reject(sample, "media", seen.reason, seen.detail)
        facts.append(seen)
    verdict = lies_in_its_picture(sample, facts)
    return (
        (sample, tuple(facts))
        if verdict.keep
        else reject(sample, "media", verdict.reason, verdict.detail)
    )
