"""A small helper process that ends a server when this process is gone, even if it was killed.

The helper waits at a pipe that only this process holds open. The end of the pipe is the end of this process, whatever
brought it about; then the helper kills the server, if the process of that number still has the server's command line.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys

_SHELL = "/bin/sh"
_SCRIPT = """read -r _
if [ -e "/proc/$1" ]; then
    grep -aqF -e "$2" "/proc/$1/cmdline" 2>/dev/null
else
    ps -ww -o command= -p "$1" 2>/dev/null | grep -qF -e "$2"
fi && kill -KILL "$1"
"""
_END_SECONDS = 5.0


class Guard:
    """Ends a server with this process; where there is no shell, only the next run's sweep does.

    Args:
        pid: Number of the server's process.
        marker: A text of its command line that no other process has.
    """

    def __init__(self, pid: int, marker: str) -> None:
        self._pipe: int | None = None
        self._helper: subprocess.Popen[bytes] | None = None
        if sys.platform == "win32" or not os.access(_SHELL, os.X_OK):
            return
        read, self._pipe = os.pipe()
        try:
            self._helper = subprocess.Popen(  # noqa: S603  # a fixed script
                [_SHELL, "-c", _SCRIPT, "inner-universe-guard", str(pid), marker],
                stdin=read,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                # Ctrl-C and the end of a terminal go to all of its processes; the helper has to outlive this one.
                start_new_session=True,
            )
        except OSError:
            os.close(self._pipe)
            self._pipe = None
        finally:
            os.close(read)

    def close(self) -> None:
        """Send the helper home; to be called when the server has ended."""
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
        if self._helper is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._helper.wait(_END_SECONDS)
            self._helper = None
