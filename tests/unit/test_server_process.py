"""Waiting for a program: by the clock, or for as long as it says how far it has come."""

import os
import signal
from collections.abc import Callable, Generator
from pathlib import Path

import pytest

from drippulse_server.embedded.processes import ServerProcess

Started = Callable[[str], ServerProcess]


@pytest.fixture
def started(tmp_path: Path) -> Generator[Started]:
    programs: list[ServerProcess] = []

    def start(script: str) -> ServerProcess:
        program = ServerProcess(
            ["/bin/sh", "-c", script],
            env={"PATH": os.environ["PATH"], "READY": str(tmp_path / "ready")},
            log=tmp_path / "log",
            stop_signal=signal.SIGTERM,
        )
        program.start()
        programs.append(program)
        return program

    yield start
    for program in programs:
        program.stop(((signal.SIGKILL, 5.0),))


def test_a_program_that_goes_on_speaking_is_waited_for(started: Started, tmp_path: Path) -> None:
    speaking = started('for i in 1 2 3 4 5 6 7 8; do echo "$i"; sleep 0.2; done; touch "$READY"; sleep 60')
    assert speaking.wait_while_it_speaks((tmp_path / "ready").exists, 0.7)


@pytest.mark.parametrize("script", ["echo begun; sleep 60", "echo begun; exit 3"])
def test_a_program_that_is_silent_or_gone_is_not(started: Started, tmp_path: Path, script: str) -> None:
    assert not started(script).wait_while_it_speaks((tmp_path / "ready").exists, 0.5)
