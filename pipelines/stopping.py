"""How a command ends that somebody stops: not by a crash, and with the usual exit code."""

import signal


class Stopped(KeyboardInterrupt):
    """Somebody sent a signal, and what is done so far is kept."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = 128 + number
        """As shells have it: 130 after Ctrl-C, 143 after SIGTERM."""
