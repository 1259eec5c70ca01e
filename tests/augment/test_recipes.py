import numpy as np
import pytest

from augment.errors import AugmentError
from augment.history import Applied, to_json
from augment.labels import TAGS
from augment.recipes import RECIPES, Recipe, Step, draw, generator, named, rulings

IMAGE, AUDIO = RECIPES["light-image"], RECIPES["light-audio"]


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


@pytest.mark.parametrize(
    ("recipe", "tag"), [(recipe, tag) for recipe in RECIPES.values() for tag in TAGS[recipe.medium]]
)
def test_every_draw_obeys_the_recipe_and_the_table(recipe: Recipe, tag: str) -> None:
    ruled = rulings(recipe, [tag], "")
    for applied in many(recipe, [tag], copies=60):
        assert ruled[applied.name].outcome == "safe"
        for key, (low, high) in ruled[applied.name].limits.items():
            assert low <= int(applied.params[key]) <= high


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
    with pytest.raises(AugmentError, match="unknown recipe 'heavy'; known are light-audio, "):
        named("heavy")


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
