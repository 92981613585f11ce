"""The process that simulates: a job on stdin, the answer on stdout, what it may use up in its arguments.

It has no database, no network and no secrets, a CPU and a memory limit, and lower priority than those who serve.
"""

import gc
import os
import resource
import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from enum import IntEnum
from pathlib import Path

import orjson

from drippulse.workflows.simulation.errors import SimulationTooLargeError, Spent
from drippulse.workflows.simulation.job import Job, simulate

MIB = 1024 * 1024
STATM = Path("/proc/self/statm")
POLITE = 10
YOUNG_OBJECTS = 50_000


class Exit(IntEnum):
    """How the process ends."""

    ANSWERED = 0
    OUT_OF_TIME = 3
    OUT_OF_MEMORY = 4


@dataclass(frozen=True, slots=True)
class Limits:
    """What one simulation may use up.

    The slack is for starting, reading and writing, and for what is done between two looks. The kernel sees to it, and
    knows no better than to end the process whatever it is at: not every library survives a refused allocation.
    """

    cpu_seconds: int = 30
    cpu_slack_seconds: int = 10
    memory_bytes: int = 1024 * MIB
    memory_slack_bytes: int = 256 * MIB

    def arguments(self) -> list[str]:
        """For `read`, in another process."""
        return [str(number) for number in astuple(self)]

    @classmethod
    def read(cls, arguments: Sequence[str]) -> "Limits":
        return cls(*map(int, arguments))

    def impose(self) -> None:
        """On this process. What it was at is not written to disk when it is ended."""
        seconds, size = self.cpu_seconds + self.cpu_slack_seconds, self.memory_bytes + self.memory_slack_bytes
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
        resource.setrlimit(resource.RLIMIT_DATA, (size, size))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

    def spent(self) -> Spent | None:
        """What this process has used up, the slack left aside."""
        if time.process_time() > self.cpu_seconds:
            return Spent.CPU_TIME
        return Spent.MEMORY if resident_bytes() > self.memory_bytes else None


def resident_bytes() -> int:
    """Of this process; 0 where there is no /proc. The peak that `getrusage` tells would begin with the parent's."""
    try:
        return int(STATM.read_bytes().split()[1]) * resource.getpagesize()
    except FileNotFoundError:
        return 0


def main(arguments: Sequence[str]) -> Exit:
    """Simulate once."""
    limits = Limits.read(arguments)
    limits.impose()
    os.nice(POLITE)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())  # a web process holds back what asks it to stop
    gc.set_threshold(YOUNG_OBJECTS)
    began = time.perf_counter()
    try:
        job = Job.model_validate_json(sys.stdin.buffer.read())
        answer = simulate(job, limits.spent)
        text = orjson.dumps({**answer, "took_ms": round((time.perf_counter() - began) * 1000, 1)})
    except SimulationTooLargeError as error:
        return Exit.OUT_OF_TIME if error.spent is Spent.CPU_TIME else Exit.OUT_OF_MEMORY
    except MemoryError:
        return Exit.OUT_OF_MEMORY
    sys.stdout.buffer.write(text)
    return Exit.ANSWERED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
