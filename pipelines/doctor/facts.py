"""What the catalog says should lie beside it, read in one burst."""

from dataclasses import dataclass
from typing import Any

from pipelines.catalog import Catalog

Row = dict[str, Any]

_QUERIES = {
    "datasets": """
        select d.dataset, d.version, d.manifest, d.n_rows, count(s.sample_id) as found_rows
        from datasets d left join dataset_samples s
            on s.dataset = d.dataset and s.version = d.version
        group by all order by all""",
    "runs": """
        select run_id, dataset, version, status, trained_policy_id, started_at from runs
        order by started_at""",
    "policies": "select distinct policy_id, name, kind from policies",
    "quarantine": "select distinct media_id from quarantine",
}


@dataclass(frozen=True)
class Facts:
    """Rows of the catalog that speak of files."""

    media: dict[str, int | None]
    """Size of each medium by its id; None for one that samples show and no row describes."""
    datasets: list[Row]
    runs: list[Row]
    policies: list[Row]
    quarantined: frozenset[str]


def gather(catalog: Catalog) -> Facts:
    """Read them."""
    with catalog.read() as connection:
        rows = {
            name: connection.execute(query).to_arrow_table().to_pylist()
            for name, query in _QUERIES.items()
        }
        media = dict(
            connection.execute(
                "select media_id, max(bytes) from (select media_id, bytes from media "
                "union all select media_id, null from sample_media) group by all"
            ).fetchall()
        )
    quarantined = frozenset(row["media_id"] for row in rows.pop("quarantine"))
    return Facts(media=media, quarantined=quarantined, **rows)
