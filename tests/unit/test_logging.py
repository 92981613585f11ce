"""Logs hide secrets."""

from typing import Any

import pytest

from drippulse.kit.logging import HIDDEN, hide_secrets

CANARY = "canary-5f2a"


@pytest.mark.parametrize(
    "event",
    [
        {"password": CANARY},
        {"api_key": CANARY},
        {"headers": {"Authorization": CANARY}},
        {"nested": [{"client_secret": CANARY}]},
        {"event": f"key adcrm_live_{CANARY} was used"},
        {"event": f"whsec_{CANARY.replace('-', '')}5f2a"},
        {"event": f"postgresql://user:{CANARY}@host/db is down"},
        {"reason": f"sent Bearer {CANARY}"},
        {"exception": f"Traceback ... adcrm_test_{CANARY}"},
    ],
)
def test_secrets_do_not_reach_the_log(event: dict[str, Any]) -> None:
    shown = str(hide_secrets(None, "info", dict(event)))
    assert CANARY not in shown
    assert CANARY.replace("-", "") not in shown
    assert HIDDEN in shown


def test_everything_else_stays() -> None:
    event = {"event": "request", "status": 200, "ms": 1.5, "ok": True, "nothing": None, "names": ["a"]}
    assert hide_secrets(None, "info", dict(event)) == event
