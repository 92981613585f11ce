"""Public holidays by country and, where they differ, by region."""

import sys
from datetime import date
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

COUNTRIES = "holidays.countries"


def canonical(code: str) -> str:
    """`de-by` as `DE-BY`: an ISO 3166-1 country code, with or without an ISO 3166-2 region of it.

    Raises:
        ValueError: no holidays are known for it; the message says what is.
    """
    country, dash, region = code.strip().partition("-")
    country = country.upper()
    regions = _regions(country)
    if regions is None:
        raise ValueError(
            f'no holidays are known for "{code}". Use an ISO 3166 country code, such as US, or a region of it, such as '
            "DE-BY"
        )
    if not dash:
        return country
    found = next((each for each in regions if each.casefold() == region.casefold()), None)
    if found is None:
        known = f"Known are {', '.join(regions)}" if regions else "Its holidays are the same everywhere"
        raise ValueError(f'no holidays are known for the region "{region}" of {country}. {known}')
    return f"{country}-{found}"


def is_holiday(code: str, day: date) -> bool:
    """Whether `day` is a public holiday, or the day on which one is observed. `code` is canonical."""
    return day in _holidays(code, day.year)


@lru_cache(maxsize=1024)
def _holidays(code: str, year: int) -> frozenset[date]:
    country, _, region = code.partition("-")
    return frozenset(_library().country_holidays(country, subdiv=region or None, years=year))


@lru_cache(maxsize=512)
def _regions(country: str) -> tuple[str, ...] | None:
    """The regions of a country by its code, also UK and USA; None when there is no such country."""
    library = _library()
    known = library.registry.EntityLoader.get_country_codes()
    return tuple(getattr(library, country).subdivisions) if country in known else None


def _library() -> Any:
    """The library, which takes a quarter of a second that only those pay who use it.

    Its package of countries imports all 250 of them, which takes as long again. A country's module needs none of that,
    so a bare package stands in for it, in which each is found when it is asked for.
    """
    import holidays

    if COUNTRIES not in sys.modules:
        package = ModuleType(COUNTRIES)
        package.__path__ = [str(Path(holidays.__file__).parent / "countries")]
        sys.modules[COUNTRIES] = package
    return holidays
