"""What a person may write below `[train.signals]`."""

import tomllib

import pytest
from pydantic import ValidationError

from train.config import TrainConfig
from train.signals.settings import SignalSettings, SignatureSettings

WRITTEN = """
dataset = "digits"
[signals.entropy_collapse]
action = "stop"
[signals.vanishing_advantages]
action = "switch"
threshold = 0.6
[signals.waiting]
on = false
"""


def test_each_signature_has_a_table_of_its_own() -> None:
    config = TrainConfig.model_validate(tomllib.loads(WRITTEN))
    assert config.signals.of("entropy_collapse") == SignatureSettings(action="stop")
    assert config.signals.of("vanishing_advantages").threshold == 0.6
    assert not config.signals.of("waiting").on
    assert config.signals.of("kl_blow_up") == SignatureSettings()


def test_what_is_said_decides_the_run_and_nothing_said_is_the_default() -> None:
    plain = TrainConfig(dataset="digits")
    assert plain.identity == TrainConfig(dataset="digits", signals=SignalSettings()).identity
    assert TrainConfig.model_validate(tomllib.loads(WRITTEN)).identity != plain.identity


def test_settings_read_back_as_they_were_written() -> None:
    config = TrainConfig.model_validate(tomllib.loads(WRITTEN))
    assert TrainConfig.model_validate_json(config.model_dump_json()) == config


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"entropy_colapse": {}}, "no signature 'entropy_colapse'; there are vanishing"),
        ({"waiting": {"action": "halt"}}, "'warn', 'stop' or 'switch'"),
        ({"waiting": {"window": 0}}, "greater than or equal to 1"),
        ({"waiting": {"treshold": 1}}, "Extra inputs are not permitted"),
        ({"waiting": {"threshold": float("nan")}}, "finite"),
        ({"waiting": {"action": "switch"}}, 'waiting: say what to turn, such as `switch = "ref'),
        ({"waiting": {"switch": "refill"}}, 'write `action = "switch"` beside it'),
        ({"waiting": {"action": "warn", "stop_threshold": 9}}, "never stops"),
        ({"waiting": {"stop_window": 3}}, "waiting: `stop_window` needs a `stop_threshold`"),
        ({"waiting": 3}, "valid dictionary"),
    ],
)
def test_what_cannot_be_is_refused_with_a_reason(said: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why.replace("[", r"\[")):
        SignalSettings.model_validate(said)
