"""What the columns of an export mean. Pure."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from drippulse.enrollments.errors import CsvFileError
from drippulse.kit.addresses import normalize_address

EMAIL = "email"
SPELLINGS = {
    EMAIL: """email e_mail mail email_address e_mail_address emailaddress mail_address primary_email work_email
        contact_email email_1 e_mail_adresse email_adresse correo correo_electronico courriel adresse_e_mail
        adresse_mail""",
    "first_name": "first_name firstname first fname given_name givenname forename vorname prenom nombre",
    "last_name": "last_name lastname last lname surname family_name familyname nachname apellido apellidos",
    "name": "name full_name fullname contact_name display_name",
}
KNOWN = {key: frozenset(spellings.split()) for key, spellings in SPELLINGS.items()}


@dataclass(frozen=True, slots=True)
class Header:
    """The key of each column in a contact. `email_column` is None when there is no such column."""

    keys: tuple[str, ...]
    email_column: int | None
    notices: tuple[str, ...]

    def email(self, cells: Sequence[str]) -> str:
        column = self.email_column
        return cells[column].strip() if column is not None and column < len(cells) else ""

    def contact(self, cells: Sequence[str], address: str) -> dict[str, str]:
        """The cells that are not blank, by their keys; what has no column is `extra_1`, `extra_2`, ..."""
        contact = {key: cell.strip() for key, cell in zip(self.keys, cells, strict=False) if cell.strip()}
        extra = [cell.strip() for cell in cells[len(self.keys) :] if cell.strip()]
        contact.update((f"extra_{number}", cell) for number, cell in enumerate(extra, 1))
        if address:
            contact[EMAIL] = address
        return contact


def read_header(names: Sequence[str]) -> Header:
    """Keys for the names of the first line: known ones by any of their spellings, the rest in snake_case.

    Raises:
        CsvFileError: the first line holds an address: it is data, and there is no header.
    """
    names = _without_trailing_blanks(names)
    if any(normalize_address(name) for name in names):
        raise CsvFileError("The first line holds an e-mail address; put a line above it that names the columns.")
    keys: list[str] = []
    for number, name in enumerate(names, 1):
        keys.append(_unused(_key(name, number, keys), keys))
    notices = [
        f'Column {number} ("{name.strip()}") is read as {key}.'
        for number, (name, key) in enumerate(zip(names, keys, strict=True), 1)
        if key in KNOWN and snake_case(name) != key
    ]
    return Header(tuple(keys), keys.index(EMAIL) if EMAIL in keys else None, tuple(notices))


def snake_case(name: str) -> str:
    """`E-Mail Address` -> `e_mail_address`, `Prénom` -> `prenom`, `firstName` -> `first_name`; all scripts stay."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.strip())
    plain = "".join(c for c in unicodedata.normalize("NFKD", spaced) if not unicodedata.combining(c))
    return unicodedata.normalize("NFC", re.sub(r"\W+", "_", plain.casefold()).strip("_"))


def _key(name: str, number: int, taken: Sequence[str]) -> str:
    own = snake_case(name)
    for key, spellings in KNOWN.items():
        if own in spellings and key not in taken:
            return key
    return own or f"column_{number}"


def _unused(key: str, taken: Sequence[str]) -> str:
    number, unused = 1, key
    while unused in taken:
        number += 1
        unused = f"{key}_{number}"
    return unused


def _without_trailing_blanks(names: Sequence[str]) -> list[str]:
    kept = list(names)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept
