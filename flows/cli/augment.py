"""`curricle augment`: make views that keep their labels true."""

from cyclopts import App

from flows.cli.common import DEFAULTS, Common, bars, settings_given, show

augment = App(
    name="augment",
    help="Make views of training samples; what would break an answer is forbidden.",
)
augment.command(
    "flows.cli.augment_audit:audit",
    name="audit",
    help="Ask a policy whether right answers survive each transform; what loses too much is blocked.",
)
augment.command(
    "flows.cli.augment_forms:forms",
    name="forms",
    help="Ask open questions as multiple choice, and either as yes or no (the stages of Curr-ReFT).",
)
augment.command(
    "flows.cli.augment_preview:preview",
    name="preview",
    help="Draw a contact sheet of every transform on a few samples, and of what is forbidden and why.",
)


@augment.default
def augment_(
    *recipes: str,
    corpus: str | None = None,
    copies: int = 1,
    seed: int = 0,
    blocks: bool | None = None,
    common: Common = DEFAULTS,
) -> None:
    """Make views of training samples; what would break an answer is forbidden, with its reason.

    Parameters
    ----------
    recipes
        Recipes by name, or your own by the path of a TOML file; without any, all that there are.
    corpus
        Only samples of this corpus.
    copies
        Views of each sample by each recipe.
    seed
        What the draws are made from.
    blocks
        Leave out what invariance audits found to lose too much (`curricle augment audit`).
    """
    from augment.recipes import RECIPES
    from flows import stages
    from flows.settings import read_settings
    from flows.summaries import augmented

    workspace = common.open().require()
    settings = settings_given(
        read_settings(workspace).augment,
        recipes=recipes or tuple(RECIPES),
        copies=copies,
        blocks=blocks,
    )
    with bars() as progress:
        done = stages.augment(workspace, settings, corpus=corpus, seed=seed, progress=progress)
    show(done, common, [line for summary in done for line in augmented(summary)])
