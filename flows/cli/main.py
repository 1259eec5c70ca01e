"""The `curricle` command: parses, calls one function, and turns errors into one sentence."""

import signal
import sys
from collections.abc import Sequence
from importlib.metadata import version
from types import FrameType

from cyclopts import App, CycloptsError

from pipelines.quiet import library_defaults
from pipelines.stopping import Stopped

COMMANDS = {
    "demo": "Run the whole job on data made on the spot.",
    "init": "Make a workspace: a commented curricle.toml and a first plan, to be edited.",
    "ingest": "Bring a corpus in: read it, screen it, keep its media; what is dropped says why.",
    "clean": "Find samples that repeat, contradict or leak others; nothing is deleted.",
    "augment": "Make views of training samples; what would break an answer is forbidden.",
    "score": "Ask the policy until it is known how hard each sample is for it.",
    "curate": "Freeze a plan: the samples it chooses, in its order, with a control and a card.",
    "export": "Write a dataset as another trainer loads it, in its order.",
    "doctor": "Check the workspace, or a set for a trainer; --repair does what is safe.",
    "backup": "Copy the workspace elsewhere, and the next time only what is new.",
    "restore": "Bring back a workspace from its backup, or a dataset version from its shards.",
    "train": "Train a policy with GRPO on a dataset, measured before and after.",
    "evaluate": "Measure a policy on held-out samples, plain, noisy and blind, and compare two.",
    "report": "Write one page about a set or a run: what came in, what was kept, what was learned.",
    "withdraw": "Remove samples for good, for their licence or somebody's privacy.",
    "serve": "Run the schedule: a server, the deployments of prefect.yaml, and a worker.",
    "sql": "Answer one SELECT over the catalog.",
    "status": "Show what the workspace holds.",
    "card": "Print the data card of a dataset version.",
    "reward": "See the rewards, and try one on an answer.",
}
"""The commands and what each is for: said here so that `--help` need not import them."""

app = App(
    name="curricle",
    help="Prepare data for reinforcement fine-tuning: every rollout is evidence, every training "
    "set is a query.",
    version=lambda: version("curricle"),
    suppress_keyboard_interrupt=False,  # `run` says what becomes of the work
)
for name, purpose in COMMANDS.items():
    app.command(f"flows.cli.{name}:{name}", name=name, help=purpose)


def main() -> None:
    """Run the command line and leave with its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    sys.exit(run(sys.argv[1:]))


def _stop(number: int, _frame: FrameType | None) -> None:
    """Leave by way of all that is to be put in order; a second signal ends the process at once."""
    signal.signal(number, signal.SIG_DFL)
    raise Stopped(number)


def run(arguments: Sequence[str]) -> int:
    """Run one command: 0 done, 1 failed, 2 wrong use, 3 done but with rejects under --strict."""
    library_defaults()
    words = [word for word in arguments if word != "--debug"]
    try:
        code = app(words, exit_on_error=False, print_error=False, result_action="return_value")
        _publish()
    except KeyboardInterrupt as error:
        print("curricle: stopped; the same command again goes on from here", file=sys.stderr)
        return error.exit_code if isinstance(error, Stopped) else 130
    except BrokenPipeError:
        return 0
    except CycloptsError as error:
        print(f"curricle: {error}", file=sys.stderr)
        return 2
    except Exception as error:
        if "--debug" in arguments:
            raise
        from flows.cli.errors import explain

        message, code = explain(error)
        print(f"curricle: {message}", file=sys.stderr)
        return code
    return code if isinstance(code, int) else 0


def _publish() -> None:
    common = sys.modules.get("flows.cli.common")
    for workspace in getattr(common, "opened", ()):
        workspace.catalog.publish()
