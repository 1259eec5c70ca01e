"""Every library's telemetry, update check and chatter off, and its threads kept from spinning.

Imports nothing, since the libraries read these settings when they are imported.
"""

import os

DEFAULTS = {
    "DO_NOT_TRACK": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "NO_ALBUMENTATIONS_UPDATE": "1",
    # Threads that spin for long make torch many times slower beside any other process; threads
    # that never spin make it a third slower alone. GNU's OpenMP reads the second of these.
    "OMP_WAIT_POLICY": "PASSIVE",
    "GOMP_SPINCOUNT": "10000",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DATA_LOG_LEVEL": "CRITICAL",
    "RAY_USAGE_STATS_ENABLED": "0",
    "TOKENIZERS_PARALLELISM": "false",
    "TRANSFORMERS_VERBOSITY": "error",
}


def library_defaults() -> None:
    """Set them where the person did not, before any of the libraries is imported."""
    for name, value in DEFAULTS.items():
        os.environ.setdefault(name, value)
