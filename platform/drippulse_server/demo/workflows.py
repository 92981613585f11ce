"""The workflows of the demo organization, and who is enrolled in which. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

WELCOME_MAIL = {
    "subject": "Welcome, {{ first_name }}",
    "body": "Hello {{ first_name }},\n\nhere is how to begin.\n\nYours, the demo",
    "html": '<p>Hello {{ first_name }},</p><p><a href="https://example.com/begin">here is how to begin</a>.</p>',
}


def step(kind: str, id: str, name: str, **config: Any) -> dict[str, Any]:  # noqa: A002 - the field's name
    return {"type": kind, "id": id, "name": name, "config": config}


@dataclass(frozen=True, slots=True)
class DemoWorkflow:
    """`people` are places in the list of contacts; `draft` are steps that wait to be published."""

    name: str
    description: str
    status: str
    steps: Sequence[dict[str, Any]]
    project: str
    people: range = range(0)
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    draft: Sequence[dict[str, Any]] = ()


WELCOME = (
    step("email", "welcome", "Say hello", **WELCOME_MAIL),
    step("wait", "breathe", "Two days", duration=2, unit="days"),
    step("email", "tips", "Three tips", subject="Three tips", body="Hello {{ first_name }}, three tips: ..."),
    step("log", "done", "Done", message="welcomed {{ email }}"),
)
OUTREACH = (
    step("set_fields", "size", "Reckon a share", fields={"share": "{{ 100 | divided_by: team_size }}"}),
    step("branch", "who", "Large or small", branches=[
        {"conditions": [{"field": "share", "operator": "lt", "value": 5}], "goto": "ask"},
    ]),
    step("email", "small", "Offer for small teams", subject="For your team", body="Hello {{ first_name }}"),
    step("exit", "over", "Small teams end here", reason="small"),
    step("approval", "ask", "May we write to them?", message="Large team: {{ company }}"),
    step("email", "large", "Offer for large teams", subject="For {{ company }}", body="Hello {{ first_name }}"),
)  # fmt: skip
TRIAL = (
    step("log", "begin", "Trial begins", message="trial of {{ email }}"),
    step("wait_for_event", "booked", "Until a call is booked", event="demo.call_booked",
         timeout={"duration": 14, "unit": "days"}),
    step("log", "booked_it", "Booked", message="{{ email }} has booked"),
)  # fmt: skip
WORKFLOWS = (
    DemoWorkflow("Welcome series", "Two mails for everybody new.", "active", WELCOME, "Onboarding", range(14),
                 draft=(*WELCOME[:3], step("wait", "week", "A week", duration=7, unit="days"), WELCOME[3])),
    DemoWorkflow("Outreach", "Large teams are asked about first.", "active", OUTREACH, "Sales", range(10, 26)),
    DemoWorkflow("Trial until the call", "Ends when a call is booked.", "active", TRIAL, "Onboarding", range(24, 36),
                 {"re_entry": {"mode": "never"}}),
    DemoWorkflow("Win back", "Stopped while the texts are rewritten.", "paused", WELCOME, "Sales", range(36, 40)),
    DemoWorkflow("Newsletter", "Not finished.", "draft", (WELCOME[0],), "Onboarding"),
    DemoWorkflow("Old welcome", "What we did last year.", "archived", (WELCOME[0], WELCOME[3]), "Onboarding"),
)  # fmt: skip
TEAM_SIZES = (3, 8, 30, 60, 0)
"""Of the contacts in turn. A share of a team of nobody cannot be reckoned: such a run fails, and can be retried."""
CALL_BOOKED = "demo.call_booked"
BOOKED, PAUSED, CANCELLED = 4, 2, 2
"""How many runs of the trial get their event, and of how many of the welcome series an operator pauses and cancels."""
