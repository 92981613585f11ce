"""The process that simulates: a job on stdin, the answer on stdout.

It has no database, no network and no secrets, a CPU and a memory limit, and lower priority than those who serve.
"""

import gc
import os
import resource
import sys
import time
from enum import IntEnum

import orjson

from drippulse.workflows.simulation.errors import SimulationTooLargeError
from drippulse.workflows.simulation.job import CPU_SECONDS, Job, simulate

MEMORY_BYTES = 1024 * 1024 * 1024
SLACK_SECONDS = 10
"""CPU seconds for starting, reading and writing, beside those for simulating."""
POLITE = 10
YOUNG_OBJECTS = 50_000


class Exit(IntEnum):
    """How the process ends."""

    ANSWERED = 0
    OUT_OF_TIME = 3
    OUT_OF_MEMORY = 4


def main() -> Exit:
    """Simulate once."""
    limit = int(CPU_SECONDS) + SLACK_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 1))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    os.nice(POLITE)
    gc.set_threshold(YOUNG_OBJECTS)
    began = time.perf_counter()
    try:
        job = Job.model_validate_json(sys.stdin.buffer.read())
        answer = simulate(job, time.process_time)
        text = orjson.dumps({**answer, "took_ms": round((time.perf_counter() - began) * 1000, 1)})
    except SimulationTooLargeError:
        return Exit.OUT_OF_TIME
    except MemoryError:
        return Exit.OUT_OF_MEMORY
    sys.stdout.buffer.write(text)
    return Exit.ANSWERED


if __name__ == "__main__":
    sys.exit(main())
