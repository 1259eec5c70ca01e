"""`curricle augment preview`: one picture of what every transform does."""

from pathlib import Path

from flows.cli.common import DEFAULTS, Common, show
from pipelines.workspace import WrongUse

ENDINGS = (".png", ".jpg", ".jpeg")


def preview(
    *,
    where: str = "true",
    samples: int = 4,
    recipe: str | None = None,
    out: Path = Path("augment-preview.png"),
    seed: int = 0,
    common: Common = DEFAULTS,
) -> None:
    """Draw every transform on a few samples, as strong as each bears it; what is forbidden says why.

    Parameters
    ----------
    where
        SQL condition over the view `candidates`: which samples to choose from.
    samples
        How many to show, of as many tasks as possible.
    recipe
        Show only what this recipe does, as strong as it does it, and a few copies as it draws them.
    out
        File to write, .png or .jpg.
    seed
        What samples and strengths are drawn from.
    """
    from augment.recipes import chosen
    from flows.evidence import candidates
    from flows.invariance import table_of
    from flows.settings import read_settings
    from pipelines.contact_sheet import draw_sheet, save_sheet
    from pipelines.preview import Preview
    from pipelines.twins import TwinMaker

    if out.suffix.lower() not in ENDINGS:
        raise WrongUse(f"{out}: a preview is written as {' or '.join(ENDINGS)}")
    if samples < 1:
        raise WrongUse(f"a preview shows at least one sample, not {samples}")
    workspace = common.open().require()
    only = None if recipe is None else chosen(recipe, workspace.root)
    table = table_of(workspace, read_settings(workspace).augment)
    shown = Preview(workspace, TwinMaker(seed, table), only)
    rows = shown.rows(candidates(workspace, where), samples)
    if not rows:
        wanted = f", of the medium of recipe {recipe!r}" if recipe else ""
        raise WrongUse(f"no original sample satisfies {where!r}{wanted}")
    title = (
        f"recipe {only.recipe_id}" if only else "every transform, as strong as each sample bears it"
    )
    save_sheet(draw_sheet(rows, title), out)
    forbidden = sum(bool(cell.forbidden) for row in rows for cell in row.cells)
    facts = {"file": out, "samples": len(rows), "forbidden": forbidden}
    show(facts, common, [f"{out}: {len(rows):,} samples, {forbidden:,} cells forbidden"])
