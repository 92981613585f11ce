"""`/test`: the workflow on sample data. Nothing is sent, nothing is written, nothing waits."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from drippulse.kit.clock import isoformat
from drippulse.workflows.errors import InvalidSampleDataError
from drippulse.workflows.fixtures import fixture
from drippulse.workflows.graph import Graph
from drippulse.workflows.liquid_sandbox import work_together
from drippulse.workflows.steps.base import Advance
from drippulse.workflows.templates import Templates
from drippulse.workflows.walk import StepRecord, StepStatus, Stop, Subject, Walk, WalkState, advance, resume_with, start

MAX_TEST_STEPS = 200
MAX_SECONDS = 5.0
PAYLOAD_KEYS = ("sample_data", "input", "runtime_payload")


def sample_payload(body: Mapping[str, Any]) -> dict[str, Any]:
    """The payload of a `/test` body: the first of sample_data, input, runtime_payload that is given.

    Raises:
        InvalidSampleDataError: it is not an object.
    """
    for key in PAYLOAD_KEYS:
        value = body.get(key)
        if isinstance(value, dict):
            return {str(name): item for name, item in value.items()}  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - JSON
        if value is not None:
            message = f"`{key}` must be an object of contact fields."
            raise InvalidSampleDataError(message, errors={key: [message]})
    return {}


def dry_run(
    graph: Graph,
    *,
    now: datetime,
    templates: Templates,
    payload: Mapping[str, Any] | None = None,
    fixture_profile: str | None = None,
    timezone: str = "UTC",
    organization_id: int = 0,
    workflow_id: int = 0,
    timer: Callable[[], float] = time.perf_counter,
) -> dict[str, Any]:
    """The documented answer of `/test`: {status, steps, logs, sample_data, test_fixture_profile, missing_variables}.

    The fixture comes first, `payload` is shallow-merged over it. Waits advance a clock of the run's own, so that what
    follows sees the time it would see. A run ends after 200 steps or 5 seconds.

    Raises:
        UnknownFixtureProfileError: `fixture_profile` is not one.
    """
    profile, bag = fixture(fixture_profile)
    bag.update(payload or {})
    subject = Subject(organization_id, 0, workflow_id, timezone, templates)
    with work_together(), templates.recording() as missing:
        run = _DryRun(graph, subject, start(graph, bag, now), now, timer)
        status = run.run()
    return {
        "status": status,
        "steps": run.steps,
        "logs": run.logs,
        "sample_data": run.state.bag,
        "test_fixture_profile": profile,
        "missing_variables": list(missing),
    }


@dataclass(slots=True)
class _DryRun:
    graph: Graph
    subject: Subject
    state: WalkState
    now: datetime
    timer: Callable[[], float]
    steps: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    logs: list[str] = field(default_factory=list[str])
    pending: list[str] = field(default_factory=list[str])

    def run(self) -> str:
        deadline = self.timer() + MAX_SECONDS
        while len(self.steps) < MAX_TEST_STEPS:
            began = self.timer()
            if began > deadline:
                self.logs.append(f"[test] Stopped: the run took longer than {MAX_SECONDS:g} seconds")
                return "failed"
            walk = self._one_step()
            self._show(walk, (self.timer() - began) * 1000)
            self.state = walk.state
            if walk.stop in (Stop.COMPLETED, Stop.FAILED):
                return walk.stop.value
        self.logs.append(f"[test] Stopped after {MAX_TEST_STEPS} steps: the workflow goes round in a loop")
        return "completed"

    def _one_step(self) -> Walk:
        """One step to its end: a wait is jumped over in time, an effect is rehearsed."""
        state = self.state
        while True:
            walk = advance(self.graph, state, self.subject, self.now, max_steps=1)
            if walk.stop is Stop.WAITING and walk.until is not None:
                self.now = max(self.now, walk.until)
                self.pending.append(f"[test] Would wait until {isoformat(walk.until)} ({walk.reason})")
                continue
            if walk.effect is None:
                return walk
            effect = walk.effect
            rehearsal = effect.node.step.rehearse(effect.prepared, effect.ctx)
            done = Advance(output=rehearsal.output, logs=rehearsal.logs)
            return resume_with(self.graph, state, self.subject, self.now, done, effect, max_steps=0)

    def _show(self, walk: Walk, milliseconds: float) -> None:
        for record in walk.records:
            logs = [*self.pending, *_logs(record)]
            self.pending.clear()
            self.logs.extend(logs)
            self.steps.append(
                {
                    "step_index": record.step_index,
                    "id": record.step_id,
                    "type": record.type,
                    "name": record.name,
                    "status": record.status.value,
                    "output": record.output,
                    "logs": logs,
                    "duration_ms": round(milliseconds, 3),
                }
            )


def _logs(record: StepRecord) -> list[str]:
    logs = list(record.logs)
    if record.status is StepStatus.FAILED and record.error:
        logs.append(f"Failed: {record.error['message']}")
    return logs
