"""A page as a browser's parser sees it, without a browser: elements, texts and blocks of data."""

import base64
import gzip
import json
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

VOID = {"meta", "img", "input", "br", "link"}


@dataclass
class Parsed(HTMLParser):
    """What was found, in order."""

    text: str
    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    scripts: list[tuple[dict[str, str], str]] = field(default_factory=list)
    style: str = ""
    words: str = ""
    _open: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.elements.append((tag, given))
        if tag not in VOID:
            self._open.append(tag)
        if tag == "script":
            self.scripts.append((given, ""))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag, f"</{tag}> closes another element"

    def handle_data(self, data: str) -> None:
        inside = self._open[-1] if self._open else ""
        if inside == "script":
            attributes, so_far = self.scripts.pop()
            self.scripts.append((attributes, so_far + data))
        elif inside == "style":
            self.style += data
        else:
            self.words += data

    def block(self, name: str) -> Any:
        """Read a block of data."""
        attributes, text = next(one for one in self.scripts if one[0].get("id") == name)
        if attributes["type"] == "application/gzip":
            text = gzip.decompress(base64.b64decode(text)).decode()
        return json.loads(text)

    @property
    def details(self) -> list[dict[str, Any]]:
        """All that is said of each sample, in the order of the index."""
        names = [a["id"] for a, _ in self.scripts if a.get("id", "").startswith("details-")]
        return [one for name in names for one in self.block(name)]

    def named(self, tag: str) -> list[dict[str, str]]:
        """Give the attributes of all elements of a name."""
        return [attributes for name, attributes in self.elements if name == tag]


def parsed(path: Path) -> Parsed:
    """Parse a page. Raises AssertionError where an element is closed by another's end."""
    return Parsed(path.read_text(encoding="utf-8"))
