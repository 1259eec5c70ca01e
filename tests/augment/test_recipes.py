import re
import tomllib
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from augment.errors import AugmentError
from augment.history import Applied, to_json
from augment.labels import TAGS, read_table
from augment.question import Question
from augment.recipes import (
    RECIPES,
    Recipe,
    Step,
    chosen,
    draw,
    generator,
    named,
    read_recipe,
    rulings,
)
from augment.remap import Shown, bearable
from augment.transforms import find

IMAGE, AUDIO = RECIPES["light-image"], RECIPES["light-audio"]

OWN = """
about = "What my scanner does."
medium = "image"
at_most = 1

[[steps]]
transform = "blur"
probability = 0.25
limits = { tenths = [3, 6] }

[[steps]]
transform = "jpeg"
"""


def written(folder: Path, text: str, name: str = "scanner.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def many(recipe: Recipe, tags: list[str], question: str = "", copies: int = 200) -> list[Applied]:
    """Return every step of many copies' histories."""
    draws = (draw(recipe, generator(recipe, "s", copy), tags, question) for copy in range(copies))
    return [applied for history in draws for applied in history]


def test_a_copy_has_one_or_two_transforms_and_each_comes_up() -> None:
    histories = [draw(IMAGE, generator(IMAGE, "s", copy), ["natural"], "") for copy in range(200)]
    assert {len(history) for history in histories} == {1, 2}
    assert {a.name for history in histories for a in history} == {
        step.transform for step in IMAGE.steps
    }


def test_a_copy_keeps_the_order_of_the_recipe() -> None:
    order = [step.transform for step in IMAGE.steps]
    for copy in range(100):
        names = [a.name for a in draw(IMAGE, generator(IMAGE, "s", copy), ["natural"], "")]
        assert names == sorted(names, key=order.index)


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=str)
def test_every_draw_obeys_the_recipe_and_the_table(recipe: Recipe) -> None:
    limits = {step.transform: step.limits for step in recipe.steps}
    for tag in TAGS[recipe.medium]:
        ruled = rulings(recipe, [tag], "")
        for applied in many(recipe, [tag], copies=40):
            assert ruled[applied.name].outcome == "safe"
            for key, (low, high) in ruled[applied.name].limits.items():
                assert low <= int(applied.params[key]) <= high
            for key, (low, high) in limits[applied.name].items():
                assert low <= int(applied.params[key]) <= high


@pytest.mark.parametrize("recipe", RECIPES.values(), ids=str)
def test_a_built_in_recipe_can_be_drawn_for_some_tag_and_never_beyond_its_most(
    recipe: Recipe,
) -> None:
    asked = Question(
        ("Which of the painted things weighs 12000 grams?\nA) red\nB) blue",),
        "choice",
        "B",
        ("red", "blue"),
    )
    bears = partial(bearable, question=asked, shown=Shown(frozenset({"gui"}), ((64, 48),)))
    drawn = set()
    for tag in TAGS[recipe.medium]:
        for copy in range(20):
            history = draw(
                recipe, generator(recipe, tag, copy), [tag], "", moves=True, bearable=bears
            )
            assert len(history) <= recipe.at_most <= 2
            drawn |= {applied.name for applied in history}
    possible = {step.transform for step in recipe.steps if find(step.transform).move is None}
    assert possible <= drawn


def test_a_drawn_transform_always_does_something() -> None:
    narrow = Recipe(
        name="narrow",
        version=1,
        medium="image",
        steps=(Step("rotate", {"decidegrees": (-1, 1)}, 1.0),),
    )
    assert {a.params["decidegrees"] for a in many(narrow, ["natural"])} == {-1, 1}
    near = Recipe(
        name="near", version=1, medium="audio", steps=(Step("speed", {"percent": (99, 101)}, 1.0),)
    )
    assert {a.params["percent"] for a in many(near, ["speech"])} == {99, 101}


def test_the_same_sample_draws_the_same_and_another_one_differs() -> None:
    def drawn(sample_id: str, copy: int = 0, seed: int = 0) -> str:
        return to_json(draw(IMAGE, generator(IMAGE, sample_id, copy, seed), ["natural"], ""))

    assert drawn("a") == drawn("a")
    assert len({drawn("a"), drawn("b"), drawn("a", copy=1), drawn("a", seed=1)}) == 4


def test_drawing_leaves_the_global_generator_alone() -> None:
    before = np.random.get_state()[1].tolist()  # type: ignore[index]
    many(IMAGE, ["natural"], copies=5)
    assert np.random.get_state()[1].tolist() == before  # type: ignore[index]


@pytest.mark.parametrize("tags", [[], ["weather"], ["speech"]])
def test_nothing_is_drawn_where_nothing_is_allowed_and_each_has_a_reason(tags: list[str]) -> None:
    assert draw(IMAGE, generator(IMAGE, "s"), tags, "") == []
    ruled = rulings(IMAGE, tags, "")
    assert list(ruled) == [step.transform for step in IMAGE.steps]
    assert all(r.outcome == "forbid" and r.reason for r in ruled.values())


def test_a_question_takes_one_transform_out_of_the_mix() -> None:
    names = {a.name for a in many(IMAGE, ["natural"], "What is left of the tree?")}
    assert names == {"gaussian_noise", "jpeg"}


def test_an_answer_that_must_move_needs_a_caller_that_moves_it() -> None:
    still = rulings(IMAGE, ["grounding"], "")["rotate"]
    assert still.outcome == "forbid"
    assert "would have to move" in still.reason
    assert rulings(IMAGE, ["grounding"], "", moves=True)["rotate"].outcome == "remap"
    drawn = [
        a.name
        for copy in range(50)
        for a in draw(IMAGE, generator(IMAGE, "s", copy), ["grounding"], "", moves=True)
    ]
    assert "rotate" in drawn


def test_a_sample_that_bears_less_than_the_recipe_asks_is_left_alone() -> None:
    strong = Recipe(
        name="strong",
        version=1,
        medium="image",
        steps=(Step("gaussian_noise", {"sigma": (20, 25)}),),
    )
    assert draw(strong, generator(strong, "s"), ["natural"], "") != []
    assert draw(strong, generator(strong, "s"), ["ocr"], "") == []


def test_a_recipe_is_known_by_name_and_version() -> None:
    assert named("light-audio").recipe_id == "light-audio@1"
    with pytest.raises(AugmentError, match="unknown recipe 'heavy'; known are document-scan, "):
        named("heavy")


def test_the_named_mixes_are_there() -> None:
    assert set(RECIPES) == {
        *("light-image", "light-audio", "light-text", "noisy-rollout", "document-scan"),
        *("phone-photo", "gui-scaling", "street-noise", "far-microphone"),
    }
    assert all(recipe.about for recipe in RECIPES.values())


def test_a_person_s_own_recipe_is_read_and_drawn(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, OWN))
    assert recipe.name == "scanner"
    assert recipe.at_most == 1
    assert recipe.steps == (Step("blur", {"tenths": (3, 6)}, 0.25), Step("jpeg"))
    assert {a.name for a in many(recipe, ["natural"])} == {"blur", "jpeg"}
    written(tmp_path, OWN)
    assert chosen("scanner.toml", tmp_path) == recipe
    assert chosen("light-image") is IMAGE


def test_the_id_of_an_own_recipe_changes_with_what_it_says_and_only_then(tmp_path: Path) -> None:
    first = read_recipe(written(tmp_path, OWN)).recipe_id
    assert first.startswith("scanner@1-")
    said = "# A note.\n" + OWN.replace("my scanner", "our scanner")
    assert read_recipe(written(tmp_path, said)).recipe_id == first
    assert read_recipe(written(tmp_path, OWN.replace("0.25", "0.3"))).recipe_id != first
    assert read_recipe(written(tmp_path, OWN.replace("[3, 6]", "[3, 7]"))).recipe_id != first


def test_a_recipe_may_change_the_words_too() -> None:
    both = Recipe(
        name="both",
        version=1,
        medium="image",
        steps=(Step("jpeg", probability=1.0), Step("typing_noise", probability=1.0)),
    )
    assert [a.name for a in draw(both, generator(both, "s"), ["natural"], "")] == [
        "jpeg",
        "typing_noise",
    ]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("at_most = 1", "atmost = 1", "unknown key 'atmost'; known are name, about"),
        (
            "probability = 0.25",
            "chance = 0.25",
            "unknown key 'steps.1.chance'; known are transform",
        ),
        ('"blur"', '"sharpen"', "unknown transform 'sharpen'"),
        ('"blur"', '"speed"', "'speed' is for audio"),
        ("tenths = [3, 6]", "tenths = [3, 600]", "'blur' takes tenths from 1 to 100, not 3 to 600"),
        ("tenths = [3, 6]", "tenths = [6, 3]", "not 6 to 3"),
        ("tenths = [3, 6]", "tenths = 3", "'steps.1.limits.tenths'"),
        ("tenths = [3, 6]", "tenths = [3]", "'steps.1.limits.tenths'"),
        ("tenths = [3, 6]", "tenths = [0.3, 0.6]", "'steps.1.limits.tenths"),
        ("tenths = [3, 6]", "width = [3, 6]", "'blur' has no limit called 'width'"),
        ("0.25", "2.5", "'steps.1.probability'"),
        ('"image"', '"smell"', "'medium'"),
        ("at_most = 1", "at_most = 0", "'at_most'"),
        ('"jpeg"', '"blur"', "names a transform twice"),
        ("[[steps]]", "[[steps]", "is not TOML"),
        ('medium = "image"', "", "'medium': Field required"),
    ],
)
def test_a_mistake_in_a_recipe_names_file_and_key(
    tmp_path: Path, old: str, new: str, complaint: str
) -> None:
    with pytest.raises(AugmentError, match=complaint) as refused:
        read_recipe(written(tmp_path, OWN.replace(old, new, 1)))
    assert "scanner.toml" in str(refused.value)
    assert "\n" not in str(refused.value) or "TOML" in str(refused.value)


def test_a_recipe_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(AugmentError, match=r"recipe .*none.toml cannot be read: No such file"):
        chosen("none.toml", tmp_path)


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ((), "nothing to apply"),
        ((Step("jpeg"), Step("jpeg")), "names a transform twice"),
        ((Step("sharpen"),), "unknown transform 'sharpen'"),
        ((Step("speed"),), "'speed' is for audio"),
        ((Step("jpeg", {"q": (1, 2)}),), "'jpeg' has no limit called 'q'"),
        ((Step("gaussian_noise", {"seed": (1, 2)}),), "no limit called 'seed'"),
        ((Step("jpeg", {"quality": (90, 50)}),), "not 90 to 50"),
        ((Step("jpeg", {"quality": (50, 101)}),), "not 50 to 101"),
        ((Step("jpeg", probability=1.5),), "probability 1.5"),
    ],
)
def test_a_recipe_that_could_not_be_drawn_is_refused(
    steps: tuple[Step, ...], complaint: str
) -> None:
    with pytest.raises(AugmentError, match=complaint):
        Recipe(name="mine", version=1, medium="image", steps=steps)


def test_what_the_manual_shows_can_be_read(tmp_path: Path) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "augmentation.md").read_text()
    blocks = re.findall(r"```toml\n(.*?)```", manual, re.DOTALL)
    settings, table, recipe = blocks
    assert set(tomllib.loads(settings)) == {"augment"}
    rows = read_table(written(tmp_path, table, "rulings.toml"))
    assert rows["crop"]["natural"].limits["left"] == (0, 50)
    assert read_recipe(written(tmp_path, recipe)).at_most == 2
