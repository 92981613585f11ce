"""Public holidays by country and, where they differ, by region."""

from datetime import date
from functools import lru_cache


def canonical(code: str) -> str:
    """`de-by` as `DE-BY`: an ISO 3166-1 country code, with or without an ISO 3166-2 region of it.

    Raises:
        ValueError: no holidays are known for it; the message says what is.
    """
    country, dash, region = code.strip().partition("-")
    country = country.upper()
    regions = _regions().get(country)
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
    import holidays  # half a second and 40 MB that only those pay who use it

    country, _, region = code.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=region or None, years=year))


@lru_cache(maxsize=1)
def _regions() -> dict[str, tuple[str, ...]]:
    """Every country code, also UK and USA, with its regions."""
    import holidays

    return {country: tuple(regions) for country, regions in holidays.list_supported_countries().items()}
