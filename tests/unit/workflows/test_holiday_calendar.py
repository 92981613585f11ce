"""Holidays are right, and cost only what the countries in question cost."""

import subprocess
import sys
from datetime import date

import pytest

from drippulse.workflows.holiday_calendar import canonical, is_holiday

PROGRAM = """
import sys
from datetime import date
from drippulse.workflows.holiday_calendar import canonical, is_holiday
assert canonical("de-by") == "DE-BY"
assert is_holiday("DE-BY", date(2026, 1, 6)) and not is_holiday("DE-BE", date(2026, 1, 6))
print(sorted(name for name in sys.modules if name.startswith("holidays.countries.")))
"""


def test_only_the_module_of_the_country_is_loaded() -> None:
    ran = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['holidays.countries.germany']"


@pytest.mark.parametrize(
    ("code", "day", "expected"),
    [
        ("US", date(2026, 7, 3), True),  # observed: the 4th is a Saturday
        ("US", date(2026, 7, 6), False),
        ("UK", date(2026, 12, 28), True),
        ("GB-SCT", date(2026, 11, 30), True),
        ("PR", date(2026, 7, 4), True),  # built upon another country's
        ("JP", date(2026, 5, 6), True),
    ],
)
def test_public_holidays(code: str, day: date, expected: bool) -> None:
    assert canonical(code) == code
    assert is_holiday(code, day) is expected


@pytest.mark.parametrize("code", ["XX", "", "registry", "__doc__", "DE-XX", "utils"])
def test_what_is_no_country_or_region_is_refused(code: str) -> None:
    with pytest.raises(ValueError, match="no holidays are known"):
        canonical(code)
