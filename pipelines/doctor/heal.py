"""Media that are gone or damaged: taken back from dataset shards, else set aside."""

from collections.abc import Iterator, Sequence

import pyarrow as pa

from pipelines.catalog import Catalog
from pipelines.catalog.catalog import now
from pipelines.catalog.ledger import append_new
from pipelines.curation.landing import version_folder
from pipelines.curation.manifest import DatasetError
from pipelines.curation.reader import ShardReader
from pipelines.record.media import BadMedia, Media
from pipelines.workspace import Progress, Workspace, silent

_VERSIONS = """
select d.dataset, d.version from dataset_samples d
join sample_media m using (sample_id) join wanted_media using (media_id)
group by all order by all
"""
_KINDS = "select media_id, kind from media semi join wanted_media using (media_id)"


def heal_media(
    workspace: Workspace, media_ids: Sequence[str], reason: str, progress: Progress = silent
) -> tuple[int, int]:
    """Put media back where a dataset version still holds their bytes, and set the others aside.

    Gives how many of each there were.
    """
    wanted = pa.table({"media_id": pa.array(media_ids, pa.string())})
    with workspace.catalog.read() as connection:
        connection.register("wanted_media", wanted)
        versions = connection.execute(_VERSIONS).fetchall()
        kinds = dict(connection.execute(_KINDS).fetchall())
    left = set(kinds)
    for number, (dataset, version) in enumerate(versions):
        progress("looking for media in shards", number, len(versions))
        if not left:
            break
        for medium in _held(workspace, dataset, version, left, kinds):
            workspace.media.put(medium)
            left.discard(medium.media_id)
    lost = sorted(left | (set(media_ids) - set(kinds)))
    set_aside(workspace.catalog, lost, reason)
    return len(media_ids) - len(lost), len(lost)


def set_aside(catalog: Catalog, media_ids: Sequence[str], reason: str) -> None:
    """Keep samples that show these media from being chosen, until the media heal."""
    rows = [{"media_id": key, "reason": reason, "found_at": now()} for key in media_ids]
    if rows:
        with catalog.write() as connection:
            append_new(connection, "quarantine", pa.Table.from_pylist(rows), key="media_id")


def lift_quarantine(catalog: Catalog, media_ids: Sequence[str]) -> None:
    """Let samples that show these media be chosen again."""
    with catalog.write() as connection:
        connection.execute(
            "delete from quarantine where media_id in (select unnest(?::varchar[]))",
            [list(media_ids)],
        )


def _held(
    workspace: Workspace, dataset: str, version: int, wanted: set[str], kinds: dict[str, str]
) -> Iterator[Media]:
    """Give the wanted media that a whole version holds."""
    try:
        reader = ShardReader(version_folder(workspace, dataset, version))
    except (DatasetError, OSError):
        return
    for media_id in sorted(wanted):
        try:
            medium = Media.of_bytes(reader.read(media_id), kinds[media_id])  # type: ignore[arg-type]
        except BadMedia:
            continue
        if medium.media_id == media_id:
            yield medium
