"""Run every benchmark and write docs/benchmarks.md from what they print."""

import argparse
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

HERE = Path(__file__).parent
NOT_BENCHMARKS = {"run_all.py", "measuring.py"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short version of each")
    flags = ["--quick"] if parser.parse_args().quick else []
    parts = [
        "# Benchmarks",
        f"Measured on {datetime.now(UTC):%Y-%m-%d} by `make bench`; ratios matter, times are one machine's.",
    ]
    for script in sorted(HERE.glob("*.py")):
        if script.name in NOT_BENCHMARKS:
            continue
        command = [sys.executable, str(script), *flags]
        print(f"# {script.name}", flush=True)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        print(done.stdout, done.stderr[-2000:] if done.returncode else "", flush=True)
        if done.returncode:
            sys.exit(f"{script.name} failed")
        purpose = script.read_text().split('"""')[1].strip()
        shown = done.stdout.strip()
        command_shown = f"python benchmarks/{script.name} {' '.join(flags)}".strip()
        parts.append(f"## {script.stem}\n\n{purpose}\n\n`{command_shown}`\n\n```\n{shown}\n```")
    if not flags:
        (HERE.parent / "docs" / "benchmarks.md").write_text("\n\n".join(parts) + "\n")


if __name__ == "__main__":
    main()
