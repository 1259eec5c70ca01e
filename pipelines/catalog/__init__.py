"""The DuckDB file and the only two doors to it: `Catalog.read()` and `Catalog.write()`."""

from pipelines.catalog.catalog import Catalog, CatalogError
from pipelines.catalog.lock import LockTimeout

__all__ = ["Catalog", "CatalogError", "LockTimeout"]
