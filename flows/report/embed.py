"""Putting data, style and script into a page that may reach nothing and runs nothing else.

JSON stands in `<script type="application/json">`: browsers do not run it, and nothing in it can
close the element or open a comment. The policy of the page allows its own style and script, by
their hashes, and no address but `data:`. What is read only on demand is packed: a page is read through
whole before it opens, and answers shrink to a tenth.
"""

import base64
import gzip
import hashlib
import json
from typing import Any

from markupsafe import Markup

_UNSAFE = {
    "<": "\\u003c",
    ">": "\\u003e",
    "&": "\\u0026",
    "\u2028": "\\u2028",
    "\u2029": "\\u2029",
}
_TABLE = str.maketrans(_UNSAFE)


def json_text(value: Any) -> str:
    """Write JSON that no HTML parser can misread. Raises ValueError for NaN and infinity."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _well_formed(text).translate(_TABLE)


def block(name: str, value: Any) -> Markup:
    """Give a block of data that the page's script finds by name."""
    return Markup('<script type="application/json" id="{}">{}</script>\n').format(
        name, Markup(json_text(value))
    )


def packed(name: str, value: Any) -> Markup:
    """Give a block of data that is compressed, since it is read only when somebody looks."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    data = base64.b64encode(gzip.compress(_well_formed(text).encode(), mtime=0)).decode()
    return Markup('<script type="application/gzip" id="{}">{}</script>\n').format(name, data)


def policy(style: str, script: str) -> str:
    """Write the content security policy of a page with this style and script."""
    rules = {
        "default-src": "'none'",
        "img-src": "data:",
        "media-src": "data:",
        "style-src": _source(style),
        "script-src": _source(script),
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{name} {source}" for name, source in rules.items())


def data_uri(kind: str, data: bytes) -> str:
    """Give bytes as an address that holds them."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _source(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _well_formed(text: str) -> str:
    """Replace lone surrogates, which UTF-8 cannot write."""
    return text.encode("utf-8", "replace").decode("utf-8")
