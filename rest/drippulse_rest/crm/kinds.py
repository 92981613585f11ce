"""What the routes of a record type are called."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from litestar.params import PathParameter

from drippulse.crm.records import SPECS, RecordSpec
from drippulse.crm.tables import RecordType

RecordRef: TypeAlias = Annotated[str, PathParameter(description="UUID or public id of a record.")]

EXAMPLES: Mapping[RecordType, Mapping[str, object]] = {
    RecordType.ACCOUNT: {"name": "Acme", "domain": "acme.example", "industry": "SaaS"},
    RecordType.CONTACT: {"email": "ada@acme.example", "first_name": "Ada", "last_name": "Lovelace", "tags": ["vip"]},
    RecordType.LEAD: {"email": "grace@acme.example", "first_name": "Grace", "company": "Acme", "score": 0.7},
    RecordType.OPPORTUNITY: {"name": "Acme, 20 seats", "amount": 4800, "currency": "EUR"},
    RecordType.ACTIVITY: {"type": "call", "subject": "First call", "occurred_at": "2026-03-31T09:00:00Z"},
}


@dataclass(frozen=True, slots=True)
class Names:
    """Of one record type: paths, operation ids, words."""

    spec: RecordSpec
    tag: str

    @property
    def kind(self) -> RecordType:
        return self.spec.kind

    @property
    def word(self) -> str:
        return self.spec.kind.value

    @property
    def path(self) -> str:
        return f"/crm/{self.spec.plural}"

    @property
    def path_of_one(self) -> str:
        return f"{self.path}/{{record_ref:str}}"

    @property
    def singular(self) -> str:
        """As operation ids have it: `Account`."""
        return self.word.title()

    @property
    def plural(self) -> str:
        return self.spec.plural.title()

    @property
    def article(self) -> str:
        return "an" if self.word[0] in "aeiou" else "a"

    @property
    def unknown(self) -> dict[int, tuple[str, ...]]:
        return {404: (f"{self.word}_not_found",)}


NAMES: Mapping[RecordType, Names] = {kind: Names(spec, spec.plural.title()) for kind, spec in SPECS.items()}
