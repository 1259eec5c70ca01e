"""The DuckDB file and the only two doors to it: `Catalog.read()` and `Catalog.write()`.

What workers need of this package (`rows`) is had without DuckDB, which is found when it is named.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipelines.catalog.catalog import Catalog, CatalogError
    from pipelines.catalog.lock import LockTimeout

__all__ = ["Catalog", "CatalogError", "LockTimeout"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from pipelines.catalog import catalog, lock

    return getattr(lock if name == "LockTimeout" else catalog, name)
