"""Whether a worker's memory grows while it works: steady load, and the slope over the second half of it.

`BENCH_STEADY_SECONDS=3600` makes it an hour.
"""

import asyncio
import os
import time
from statistics import linear_regression

from tests.bench.backlog import worker_of
from tests.bench.http import make_workflow
from tests.bench.table import Results
from tests.support.stack import Stack
from tests.support.world import step

SECONDS = float(os.environ.get("BENCH_STEADY_SECONDS", "120"))
CONTACTS = 500
EVERY_SECONDS = 0.5
GROWTH_TARGET_MIB_AN_HOUR = 30.0


async def measure(stack: Stack, results: Results) -> None:
    worker = worker_of(stack)
    samples: list[tuple[float, float]] = []
    contacts = [{"email": f"m{n}@example.com", "first_name": "Ada", "score": n} for n in range(CONTACTS)]
    async with stack.client() as client:
        steps = [step("set_fields", fields={"tier": "{{ score }}"}), step("log", message="Hello {{ first_name }}")]
        workflow = await make_workflow(client, "Steady", *steps)
        began = time.perf_counter()
        while (elapsed := time.perf_counter() - began) < SECONDS:
            answer = await client.post(f"/api/v1/workflows/{workflow}/enrollments/bulk", json={"contacts": contacts})
            assert answer.status_code == 201, answer.text
            samples.append((elapsed, worker.memory_full_info().uss / 2**20))
            await asyncio.sleep(EVERY_SECONDS)
    second_half = [sample for sample in samples if sample[0] >= SECONDS / 2]
    slope = linear_regression([at for at, _ in second_half], [mib for _, mib in second_half]).slope * 3600
    results.add(
        "worker's memory under steady load, growth",
        slope,
        "MiB an hour",
        limit=f"{second_half[0][1]:.0f} to {second_half[-1][1]:.0f} MiB over the second half of {SECONDS:.0f} s",
        target=f"<= {GROWTH_TARGET_MIB_AN_HOUR:.0f}",
        met=slope <= GROWTH_TARGET_MIB_AN_HOUR,
    )
