"""`curricle doctor`, `backup` and `restore`: what they print, and their exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from breaking import a_medium, flip

from flows.cli.main import run
from pipelines.workspace import Workspace

Answer = tuple[int, str, str]
Cli = Callable[..., Answer]


@pytest.fixture
def cli(sound: Workspace, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run a command in a sound workspace, or in one that is named."""

    def call(*words: object, at: Path = sound.root) -> Answer:
        code = run([*map(str, words), "--workspace", str(at)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return call


def test_a_sound_workspace_leaves_with_0_and_one_sentence(cli: Cli, sound: Workspace) -> None:
    assert cli("doctor") == (0, f"{sound.root} is sound\n", "")


def test_a_broken_one_leaves_with_1_until_it_is_repaired(cli: Cli, sound: Workspace) -> None:
    flip(sound.datasets / "small" / "1" / "shard-00000.parquet", 4000)
    code, said, _ = cli("doctor")
    assert code == 1
    assert "broken: datasets/small/1: small@1: shard-00000.parquet is damaged" in said
    assert "is not sound: 1 thing to put right" in said
    code, said, _ = cli("doctor", "--repair")
    assert (code, "repaired: rebuilt small@1" in said) == (0, True)
    assert cli("doctor", "--quick")[0] == 0


def test_a_script_reads_what_was_found(cli: Cli, sound: Workspace) -> None:
    medium = a_medium(sound)
    flip(medium)
    code, said, _ = cli("doctor", "--json")
    found = json.loads(said)
    assert (code, found["sound"]) == (1, False)
    (finding,) = found["findings"]
    assert (finding["check"], finding["severity"]) == ("media_damaged_file", "broken")
    assert finding["things"] == [medium.name]
    assert finding["repair"] == "heal_media"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ("seed = ", "is not TOML"),
        ("sede = 3", "unknown key 'sede'"),
        ("[[corpora]]\nname = 'digts'", "unknown corpus 'digts'"),
        ("[[corpora]]\nname = 'gsm8k'\npath = 'nowhere'", "nowhere does not exist"),
        ("plans = ['plans/none.toml']", "none.toml does not exist"),
    ],
)
def test_settings_that_would_fail_tonight_are_named_today(
    cli: Cli, sound: Workspace, settings: str, said: str
) -> None:
    (sound.root / "curricle.toml").write_text(settings)
    code, told, _ = cli("doctor", "--quick")
    assert (code, said in told) == (1, True), told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("small",), "say which trainer is to load small, with --for"),
        (("--for", "trl"), "check a set; name the set"),
        (("--processor", "tiny"), "check a set; name the set"),
        (("small", "--for", "trl", "--repair"), "are about a workspace"),
    ],
)
def test_a_set_is_checked_for_somebody_and_a_workspace_for_nobody(
    cli: Cli, words: tuple[str, ...], said: str
) -> None:
    code, _, error = cli("doctor", *words)
    assert (code, said in error) == (2, True), error


def test_what_never_was_a_workspace_is_not_made_one(cli: Cli, tmp_path: Path) -> None:
    code, _, error = cli("doctor", at=tmp_path / "nowhere")
    assert (code, "is not a workspace yet" in error) == (2, True)
    assert not (tmp_path / "nowhere").exists()


def test_a_damaged_shard_is_caught_before_it_is_used_and_says_what_to_do(
    cli: Cli, sound: Workspace, tmp_path: Path
) -> None:
    flip(sound.datasets / "small" / "1" / "shard-00000.parquet", 4000)
    code, _, error = cli("export", "small", "--to", "trl", "--out", tmp_path / "out")
    assert code == 1
    assert "shard-00000.parquet is damaged; `curricle doctor --repair`" in error
    assert not (tmp_path / "out").exists()


def test_a_workspace_is_backed_up_lost_and_brought_back(
    cli: Cli, sound: Workspace, tmp_path: Path
) -> None:
    code, said, _ = cli("backup", tmp_path / "b")
    assert (code, "16 samples, 2 dataset versions" in said) == (0, True)
    sound.catalog.path.unlink()
    assert cli("doctor")[0] == 1
    code, said, _ = cli("restore", tmp_path / "b", at=tmp_path / "new")
    assert (code, "look at it with: curricle doctor" in said) == (0, True)
    assert cli("doctor", at=tmp_path / "new")[0] == 0


def test_a_version_is_brought_into_another_workspace(
    cli: Cli, sound: Workspace, tmp_path: Path
) -> None:
    code, said, _ = cli("restore", sound.datasets / "small" / "1", at=tmp_path / "new")
    assert (code, "small@1: 8 new samples, 8 media files; registered" in said) == (0, True)
    code, said, _ = cli("sql", "select count(*) as n from candidates", at=tmp_path / "new")
    assert "8" in said
    assert cli("doctor", at=tmp_path / "new")[0] == 0
