"""`python -m tests.support.skewed_clock COMMAND`: a process whose clock is off by CLOCK_OFF_SECONDS.

Everything in it that reads the time of day gets the wrong one, its libraries too; time that passes is measured as ever.
"""

import datetime as dt
import os
import sys
import time
from collections.abc import Callable
from typing import Any

VARIABLE = "CLOCK_OFF_SECONDS"


def set_off(seconds: float) -> None:
    """Before anything else is imported, so that nobody holds on to the right clock."""
    delta, right = dt.timedelta(seconds=seconds), dt.datetime

    class _AlsoTheRightOnes(type):
        def __instancecheck__(cls, instance: object) -> bool:
            return isinstance(instance, right)

        def __subclasscheck__(cls, subclass: type) -> bool:
            return issubclass(subclass, right)

    class Skewed(right, metaclass=_AlsoTheRightOnes):
        """Makes plain datetimes; only what it says of the present is wrong."""

        __slots__ = ()  # the size that C extensions expect

        def __new__(cls, *args: Any, **kwargs: Any) -> Any:
            return right(*args, **kwargs)

        @classmethod
        def now(cls, tz: dt.tzinfo | None = None) -> Any:
            return right.now(tz) + delta

        @classmethod
        def utcnow(cls) -> Any:
            return right.now(dt.UTC).replace(tzinfo=None) + delta

        @classmethod
        def today(cls) -> Any:
            return right.now() + delta

    dt.datetime = Skewed
    time.time = _later(time.time, seconds)
    time.time_ns = _later(time.time_ns, int(seconds * 1_000_000_000))


def _later(read: Callable[[], Any], by: float) -> Callable[[], Any]:
    return lambda: read() + by


def main() -> int:
    if seconds := float(os.environ.get(VARIABLE) or 0):
        set_off(seconds)
    sys.argv = ["drippulse", *sys.argv[1:]]
    from drippulse_server.cli import main as drippulse

    return int(drippulse() or 0)


if __name__ == "__main__":
    sys.exit(main())
