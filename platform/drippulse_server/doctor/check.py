"""One finding of the doctor."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    OK = "ok"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and for a failure what to do."""

    name: str
    verdict: Verdict
    finding: str
    remedy: str = ""


def ok(name: str, finding: str) -> Check:
    return Check(name, Verdict.OK, finding)


def fail(name: str, finding: str, remedy: str) -> Check:
    return Check(name, Verdict.FAIL, finding, remedy)


def skipped(name: str, finding: str) -> Check:
    return Check(name, Verdict.SKIPPED, finding)
