"""Formulas of the docs site as MathML, made when it is built: pages need no script and no font.

In the pages they are LaTeX between dollar signs, which GitHub shows, too.
"""

import html
import re
from typing import Any

from latex2mathml.converter import convert
from markdown import Markdown
from markdown.extensions import Extension
from markdown.postprocessors import Postprocessor

INLINE = re.compile(r'<span class="arithmatex">\\\((.*?)\\\)</span>', re.DOTALL)
DISPLAY = re.compile(r'<div class="arithmatex">\s*\\\[(.*?)\\\]\s*</div>', re.DOTALL)


class Formulas(Postprocessor):
    """Puts MathML in the place of every formula that `pymdownx.arithmatex` found."""

    def run(self, text: str) -> str:
        """Take a page's HTML and give it with its formulas drawn."""
        text = DISPLAY.sub(
            lambda one: f'<div class="formula">{mathml(one[1], "block")}</div>', text
        )
        return INLINE.sub(lambda one: mathml(one[1], "inline"), text)


class FormulasExtension(Extension):
    """What `markdown_extensions` of the site's settings names."""

    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 - its name is Markdown's
        """Run after all others."""
        md.postprocessors.register(Formulas(md), "formulas", -10)


def makeExtension(**options: Any) -> FormulasExtension:  # noqa: N802 - its name is Markdown's
    """What Markdown calls to get it."""
    return FormulasExtension(**options)


def mathml(formula: str, display: str) -> str:
    """One formula; the LaTeX is kept for who cannot see it."""
    latex = " ".join(html.unescape(formula).split())
    return convert(latex, display=display).replace(
        "<math ", f'<math alttext="{html.escape(latex)}" ', 1
    )
