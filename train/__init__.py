"""From curated shards to a trained model."""

from pipelines.quiet import library_defaults

# Before any of the libraries that read these settings when they are imported.
library_defaults()
