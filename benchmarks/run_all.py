"""Run benchmarks, all of them or those named, and put what they print into docs/benchmarks.md.

What was written by hand below a benchmark's figures stays.
"""

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "benchmarks.md"
OWN_PAGE = {"learning"}
"""Benchmarks that write their figures down by themselves."""
NOT_BENCHMARKS = {
    "run_all.py",
    "measuring.py",
    "apart.py",
    "learning_worlds.py",
    "learning_report.py",
    "dedup_peers.py",
    "report_world.py",
}


def main() -> None:
    """Run and write, one benchmark at a time, so that a failure keeps those before it."""
    known = {script.stem: script for script in sorted(HERE.glob("*.py"))}
    known = {name: script for name, script in known.items() if script.name not in NOT_BENCHMARKS}
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(known)}; default: all")
    parser.add_argument("--quick", action="store_true", help="short versions; the page stays")
    options = parser.parse_args()
    if unknown := set(options.names) - known.keys():
        parser.error(f"no benchmark {', '.join(sorted(unknown))}")
    for name in options.names or known:
        shown = run(known[name], ["--quick"] if options.quick else [])
        if not options.quick and name not in OWN_PAGE:
            PAGE.write_text(with_section(PAGE.read_text(), known[name], shown))


def run(script: Path, flags: list[str]) -> str:
    """Give what a benchmark prints; leave when it fails."""
    print(f"# {script.name}", flush=True)
    done = subprocess.run(
        [sys.executable, str(script), *flags], capture_output=True, text=True, check=False
    )
    print(done.stdout, done.stderr[-2000:] if done.returncode else "", flush=True)
    if done.returncode:
        sys.exit(f"{script.name} failed")
    return done.stdout.strip()


def with_section(page: str, script: Path, shown: str) -> str:
    """Put a benchmark's purpose, command and figures in the place of those on the page."""
    purpose = script.read_text().split('"""')[1].strip()
    command = f"python benchmarks/{script.name}"
    section = f"## {script.stem}\n\n{purpose}\n\n`{command}`\n\n```\n{shown}\n```\n"
    old = re.search(rf"^## {script.stem}\n.*?^```\n.*?^```\n", page, re.DOTALL | re.MULTILINE)
    if old is None:
        return f"{page.rstrip()}\n\n{section}"
    return page[: old.start()] + section + page[old.end() :]


if __name__ == "__main__":
    main()
