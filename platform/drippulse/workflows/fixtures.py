"""The data `/test` starts from (seed: API reference, "fixture merge semantics")."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from drippulse.kit.text import did_you_mean
from drippulse.workflows.errors import UnknownFixtureProfileError

DEFAULT_PROFILE: Final = "minimal"

_MINIMAL: Final[Mapping[str, Any]] = MappingProxyType(
    {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com", "score": 85}
)
_DEMO: Final[Mapping[str, Any]] = MappingProxyType(
    {
        **_MINIMAL,
        "company_name": "Analytical Engines",
        "company": "Analytical Engines",
        "industry": "SaaS",
        "company_size": 120,
        "segment": "mid_market",
        "title": "Head of Engineering",
        "phone": "+44 20 7946 0000",
        "website": "https://example.com",
        "city": "London",
        "country": "GB",
        "timezone": "Europe/London",
        "lead_source": "website",
        "lifecycle_stage": "lead",
        "plan": "trial",
        "tags": ["newsletter", "trial"],
        "utm": {"source": "search", "medium": "organic", "campaign": "launch"},
    }
)

PROFILES: Final[Mapping[str, Mapping[str, Any]]] = MappingProxyType(
    {"minimal": _MINIMAL, "demo": _DEMO, "full": _DEMO, "rich": _DEMO, "legacy": _DEMO}
)


def fixture(profile: str | None) -> tuple[str, dict[str, Any]]:
    """(profile name, its data); None means `minimal`.

    Raises:
        UnknownFixtureProfileError: there is no such profile; the message names those there are.
    """
    name = DEFAULT_PROFILE if profile is None else profile.strip().lower()
    data = PROFILES.get(name)
    if data is None:
        message = (
            f'"{profile}" is not a fixture profile.{did_you_mean(name, PROFILES)} Known are {", ".join(PROFILES)}.'
        )
        raise UnknownFixtureProfileError(message, errors={"fixture_profile": [message]})
    return name, dict(data)
