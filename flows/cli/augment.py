"""`curricle augment`: make views that keep their labels true."""

from flows.cli.common import DEFAULTS, Common, bars, show


def augment(
    *recipes: str,
    corpus: str | None = None,
    copies: int = 1,
    seed: int = 0,
    common: Common = DEFAULTS,
) -> None:
    """Make views of training samples; what would break an answer is forbidden, with its reason.

    Parameters
    ----------
    recipes
        Recipes by name; without any, all that there are.
    corpus
        Only samples of this corpus.
    copies
        Views of each sample by each recipe.
    seed
        What the draws are made from.
    """
    from augment.recipes import RECIPES
    from flows.settings import AugmentSettings
    from flows.stages import augment
    from flows.summaries import augmented

    settings = AugmentSettings(recipes=recipes or tuple(RECIPES), copies=copies)
    with bars() as progress:
        done = augment(
            common.open().require(), settings, corpus=corpus, seed=seed, progress=progress
        )
    show(done, common, [line for summary in done for line in augmented(summary)])
