"""A command in a pseudo-terminal: type lines, read what appears."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

_CONTROL = re.compile(r"\x1b\[[\d;?]*[A-Za-z]|\r")
RNNER = (sys.executable, "-c", "from rnner.cli.main import main; main()")


class TerminalSession:
    """Runs `rnner` with arguments in a pseudo-terminal, within a `with` block.

    Attributes:
        shown: everything that has appeared since the last `read_until`.
    """

    def __init__(self, *arguments, columns=80, colours=False, **environment):
        colour = {"TERM": "xterm-256color"} if colours else {"TERM": "xterm", "NO_COLOR": "1"}
        self.environment = {**os.environ, "COLUMNS": str(columns), **colour, **environment}
        self.arguments, self.raw = [str(argument) for argument in arguments], ""

    def __enter__(self):
        self.terminal, inside = pty.openpty()
        self.process = subprocess.Popen(
            [*RNNER, *self.arguments],
            stdin=inside,
            stdout=inside,
            stderr=inside,
            env=self.environment,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        os.close(inside)
        return self

    def __exit__(self, *error):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
        os.close(self.terminal)

    def type(self, keys):
        """Type keys; `\\r` is Enter, `\\x04` is Ctrl-D, `\\x03` is Ctrl-C."""
        os.write(self.terminal, keys.encode() if isinstance(keys, str) else keys)

    def read_until(self, text, seconds=20.0):
        """Return what appears, without colours and cursor movements, up to the end of a text."""
        end = time.monotonic() + seconds
        while text not in (shown := _CONTROL.sub("", self.raw)):
            left = end - time.monotonic()
            assert left > 0, f"{text!r} did not appear; shown: {self.raw!r}"
            if not self._read(left):
                raise AssertionError(f"{text!r} did not appear before the end; shown: {self.raw!r}")
        before, found, after = shown.partition(text)
        self.raw = after
        return before + found

    def finish(self, seconds=20.0):
        """Return the rest of what appears, and the exit code."""
        while self._read(seconds):
            pass
        return _CONTROL.sub("", self.raw), self.process.wait(timeout=seconds)

    def interrupt(self):
        """Press Ctrl-C until the process ends. Python overlooks one just before it waits for input."""
        for _ in range(20):
            self.type("\x03")
            if select.select([self.terminal], [], [], 1.0)[0] and not self._read(1.0):
                break
            try:
                self.process.wait(timeout=1.0)
                break
            except subprocess.TimeoutExpired:
                continue

    def _read(self, seconds):
        """Read once; return whether the terminal is still open."""
        ready, _, _ = select.select([self.terminal], [], [], seconds)
        assert ready, f"nothing happened for {seconds:.0f} s; shown: {self.raw!r}"
        try:
            data = os.read(self.terminal, 65536)
        except OSError:  # Linux: all processes have closed it
            return False
        self.raw += data.decode(errors="replace")
        return bool(data)


def _take_terminal():
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
