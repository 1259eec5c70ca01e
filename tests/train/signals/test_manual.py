"""The manual says of the signatures what the program does."""

import re
import tomllib
from pathlib import Path

from train.signals.settings import SignalSettings
from train.signals.signatures import SIGNATURES, Signature

MANUAL = (Path(__file__).parents[3] / "docs" / "signals.md").read_text()


def test_the_table_has_the_thresholds_windows_and_actions_of_all_signatures() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in MANUAL.splitlines()
        if re.match(r"\| `\w+`", line)
    ]
    shown = {name.strip("`"): (fails, window, does) for name, _, fails, window, does, _ in rows}
    assert shown == {name: _cells(signature) for name, signature in SIGNATURES.items()}


def test_what_to_do_is_said_of_each_in_the_words_of_the_summary() -> None:
    for name, signature in SIGNATURES.items():
        assert f"- `{name}`: {signature.meaning}; {signature.remedy}." in MANUAL


def test_the_settings_in_the_manual_are_settings() -> None:
    block = re.search(r"```toml\n(.*?)```", MANUAL, re.DOTALL)
    assert block is not None
    signals = SignalSettings.model_validate(tomllib.loads(block[1])["train"]["signals"])
    assert signals.of("vanishing_advantages").stop_window == 50


def _cells(signature: Signature) -> tuple[str, str, str]:
    sign = ">" if signature.side == "above" else "<"
    levels = [
        (signature.threshold, signature.window),
        *([signature.stop] if signature.stop else []),
    ]
    return (
        "; ".join(f"{sign} {_plain(threshold)}" for threshold, _ in levels),
        "; ".join(str(window) for _, window in levels),
        "; ".join(["warn", "stop"][: len(levels)]),
    )


def _plain(threshold: float) -> str:
    return f"{threshold:.6f}".rstrip("0").rstrip(".")
