"""Write docs/commands.md, the reference of the command line, from the commands themselves."""

import sys
from pathlib import Path

from flows.cli.main import app

TARGET = Path(__file__).parent / "commands.md"


def reference() -> str:
    """Every command with every option, as Markdown."""
    text = app.generate_docs(output_format="markdown", heading_level=1)
    lines = [line.rstrip() for line in text.splitlines()]
    return "\n".join(lines).strip() + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(TARGET.read_text() != reference())
    TARGET.write_text(reference())
