"""What an Accept header allows an answer to be (RFC 9110, sections 12.4.2 and 12.5.1). Pure."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

GRAPHQL_JSON = "application/graphql-response+json"
JSON = "application/json"
EVENTS = "text/event-stream"
MAX_REMEMBERED = 128
MAX_REMEMBERED_LENGTH = 256

QUOTED = r'"(?:[^"\\]|\\.)*+"?'
RANGE = re.compile(rf'(?:[^,"]|{QUOTED})++')
PART = re.compile(rf'(?:[^;"]|{QUOTED})++')
WEIGHT = re.compile(r"0(?:\.[0-9]*)?|1(?:\.0*)?")


@dataclass(frozen=True, slots=True)
class Accepted:
    """`media_type` is that of an answer in JSON. Events are for who names them: `rather_events` when no JSON that is
    named is as welcome."""

    media_type: str
    events: bool
    rather_events: bool


def accepted(header: str) -> Accepted:
    """Whatever the header says; where nothing fits, plain JSON is of more use than none."""
    return REMEMBERED(header) if len(header) <= MAX_REMEMBERED_LENGTH else _read(header)


def _read(header: str) -> Accepted:
    weights = _weights(header)
    named, events = weights.get(GRAPHQL_JSON), weights.get(EVENTS, 0.0)
    others = weights.get("application/*", weights.get("*/*", 0.0))
    modern, plain = others if named is None else named, weights.get(JSON, others)
    # A client that names neither may know no other than plain JSON.
    is_modern = modern > 0 and (plain == 0 or (named is not None and modern >= plain))
    preferred = max(named or 0.0, weights.get(JSON, 0.0))
    return Accepted(GRAPHQL_JSON if is_modern else JSON, events > 0, events > preferred)


REMEMBERED = lru_cache(maxsize=MAX_REMEMBERED)(_read)


def _weights(header: str) -> dict[str, float]:
    """By media range in lower case; its parameters tell none of our types apart."""
    weights: dict[str, float] = {}
    for written in RANGE.findall(header):
        name, *parameters = PART.findall(written) or [""]
        name = name.strip().lower()
        weights[name] = max(weights.get(name, 0.0), _weight(parameters))
    return weights


def _weight(parameters: Iterable[str]) -> float:
    """1 unless given; what is no weight is none."""
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "q" and WEIGHT.fullmatch(value.strip()):
            return float(value)
    return 1.0
