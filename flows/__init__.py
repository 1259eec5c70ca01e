"""Orchestration only: the stages as plain functions, as flows over them, and as commands."""

import os

from pipelines.quiet import library_defaults

# Here, because Prefect reads them when it is imported, and each flow's file imports it first.
library_defaults()
# A first run starts a temporary server of its own, which takes long on a busy laptop.
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
os.environ.setdefault("PREFECT_LOGGING_EXTRA_LOGGERS", "curricle")
