"""Failpoints: named places at which a test makes the process die as if by kill -9."""

import os
import signal

_armed = ""


def arm(name: str) -> None:
    """Arm one failpoint for this process; settings refuse it in production."""
    global _armed  # noqa: PLW0603 - one process, one failpoint
    _armed = name


def failpoint(name: str) -> None:
    """Die here if armed. `NAME@N` dies at the N-th pass."""
    global _armed  # noqa: PLW0603 - counts down
    if not _armed:
        return
    armed, _, times = _armed.partition("@")
    if armed != name:
        return
    if int(times or 1) <= 1:
        os.kill(os.getpid(), signal.SIGKILL)
    _armed = f"{armed}@{int(times) - 1}"
