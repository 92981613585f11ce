"""What the demo organization has. Pure, and the same for the same seed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

COMPANIES = (
    ("Northwind Traders", "Logistics"), ("Blue Yonder Foods", "Food"), ("Contoso Clinics", "Health"),
    ("Fabrikam Robotics", "Machinery"), ("Litware Media", "Media"), ("Tailspin Toys", "Retail"),
    ("Wide World Importers", "Trade"), ("Proseware Labs", "Software"), ("Adatum Energy", "Energy"),
    ("Humongous Insurance", "Insurance"), ("Lucerne Publishing", "Media"), ("Margie's Travel", "Travel"),
)  # fmt: skip
FIRST_NAMES = (
    "Ada", "Grace", "Alan", "Edsger", "Barbara", "Donald", "Katherine", "Linus", "Margaret", "Radia", "Ken", "Hedy",
    "Tim", "Annie", "Dennis", "Joan", "Claude", "Mary", "Niklaus", "Sophie",
)  # fmt: skip
LAST_NAMES = (
    "Adler", "Brandt", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Haas", "Ibrahim", "Jansen", "Kim", "Lopez",
    "Moreau", "Novak", "Okafor", "Petrov", "Quinn", "Rossi", "Silva", "Tanaka",
)  # fmt: skip
ZONES = ("Europe/Berlin", "Europe/Lisbon", "America/New_York", "Asia/Tokyo", "Australia/Sydney")
TITLES = ("Head of Sales", "Marketing Manager", "Chief Executive", "Developer", "Operations Lead")
TAGS = ("newsletter", "trial", "partner", "event-2026")
STAGE_MIX = (0, 0, 1, 1, 2, 2, 3, 4)
ACTIVITIES = (
    ("call", "Asked about prices", "Sends the offer on Friday."),
    ("email", "Sent the offer", "Two options, one with onboarding."),
    ("meeting", "Demo", "Six people, many questions about imports."),
    ("note", "Prefers to be called in the morning", ""),
    ("task", "Prepare the contract", ""),
)
PEOPLE = 40
LEADS = 15
DEALS = 24
NOTES = 60
Person = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Contents:
    """Fields as the services take them; what refers to another entry has its place in that list under `..._place`."""

    accounts: Sequence[dict[str, Any]]
    contacts: Sequence[dict[str, Any]]
    leads: Sequence[dict[str, Any]]
    deals: Sequence[dict[str, Any]]
    activities: Sequence[dict[str, Any]]


def make_contents(seed: int, now: datetime) -> Contents:
    """All dates lie around `now`."""
    random = Random(seed)  # noqa: S311 - nothing secret
    people = _people(random, PEOPLE + LEADS)
    accounts = [_account(random, name, industry) for name, industry in COMPANIES]
    contacts = [_contact(random, person, place % len(accounts)) for place, person in enumerate(people[:PEOPLE])]
    return Contents(
        accounts,
        contacts,
        [_lead(random, person) for person in people[PEOPLE:]],
        [_deal(random, place, now.date()) for place in range(DEALS)],
        [_activity(random, place, now) for place in range(NOTES)],
    )


def _people(random: Random, count: int) -> list[Person]:
    pairs = [(first, last) for first in FIRST_NAMES for last in LAST_NAMES]
    return [
        {
            "first_name": first,
            "last_name": last,
            "email": f"{first}.{last}@example.com".lower(),
            "timezone": random.choice(ZONES),
            "title": random.choice(TITLES),
        }
        for first, last in random.sample(pairs, count)
    ]


def _domain(name: str) -> str:
    return f"{''.join(letter for letter in name.lower() if letter.isalnum())}.example"


def _account(random: Random, name: str, industry: str) -> dict[str, Any]:
    return {
        "name": name,
        "domain": _domain(name),
        "website": f"https://www.{_domain(name)}",
        "industry": industry,
        "employee_count": random.randrange(20, 5_000),
        "annual_revenue": random.randrange(1, 500) * 100_000,
    }


def _contact(random: Random, person: Person, account_place: int) -> dict[str, Any]:
    name = COMPANIES[account_place][0]
    return {**person, "company": name, "account_place": account_place, "tags": random.sample(TAGS, random.randrange(3))}


def _lead(random: Random, person: Person) -> dict[str, Any]:
    source = random.choice(("webinar", "website", "fair"))
    status = random.choice(("new", "new", "contacted", "qualified"))
    return {**person, "company": f"{person['last_name']} & Co", "score": float(random.randrange(100)), "source": source,
            "status": status}  # fmt: skip


def _deal(random: Random, place: int, today: date) -> dict[str, Any]:
    return {
        "name": f"{random.choice((5, 10, 20, 50, 100))} seats",
        "contact_place": place,
        "stage_place": random.choice(STAGE_MIX),
        "amount": random.randrange(2, 200) * 500,
        "currency": random.choice(("USD", "EUR")),
        "expected_close_date": (today + timedelta(days=random.randrange(-10, 90))).isoformat(),
    }


def _activity(random: Random, place: int, now: datetime) -> dict[str, Any]:
    kind, subject, body = random.choice(ACTIVITIES)
    about = {"deal_place": place} if place < DEALS else {"contact_place": random.randrange(PEOPLE)}
    moment = now - timedelta(hours=random.randrange(1, 24 * 60))
    return {"type": kind, "subject": subject, "body": body, "occurred_at": moment.isoformat(), **about}
