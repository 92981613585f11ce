"""From the texts of cells to values, and from columns to fields."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.crm.importing import values
from drippulse.crm.importing.errors import UnreadableFileError
from drippulse.crm.importing.fields import field_names, split_name
from drippulse.crm.importing.formats import format_of
from drippulse.crm.importing.identities import new_numbers, public_form
from drippulse.crm.importing.layouts import Layout, Wanted, read_layout
from drippulse.crm.importing.mapping import column_names, guess_mapping
from drippulse.crm.importing.names import SPELLINGS
from drippulse.crm.importing.presentation import harmless
from drippulse.crm.tables import RecordType
from drippulse.kit.public_ids import encode_id


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1200.5", "1200.50"),
        ("1,200.50", "1200.50"),
        ("1.200,50", "1200.50"),
        ("1200,5", "1200.50"),
        ("1 200,50 €", "1200.50"),
        ("$1,200", "1200.00"),
        ("1'200.50", "1200.50"),
        ("-3", "-3.00"),
        ("1.234.567", "1234567.00"),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, found: str) -> None:
    assert values.amount(text) == found


@pytest.mark.parametrize("text", ["", "twelve", "1,2,3", "NaN", "Infinity", "1e400", "99999999999999", "1..2", "0x10"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must be a number"):
        values.amount(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2026-03-31", "2026-03-31"),
        ("31.03.2026", "2026-03-31"),
        ("2026/3/31", "2026-03-31"),
        ("2026-03-31T00:00:00", "2026-03-31"),
    ],
)
def test_days_are_read(text: str, found: str) -> None:
    assert values.day(text) == found


def test_a_day_that_may_be_two_needs_an_order() -> None:
    with pytest.raises(ValueError, match="date_order"):
        values.day("01/02/2026")
    assert values.day("01/02/2026", "dmy") == "2026-02-01"
    assert values.day("01/02/2026", "mdy") == "2026-01-02"


@given(st.text(max_size=30))
def test_no_text_breaks_a_reader(text: str) -> None:
    for read in (values.amount, values.real, values.whole, values.day, values.moment, values.boolean):
        with contextlib.suppress(ValueError):
            read(text)


@pytest.mark.parametrize(
    ("full", "first", "last"),
    [
        ("Ada Lovelace", "Ada", "Lovelace"),
        ("Lovelace, Ada", "Ada", "Lovelace"),
        ("Cher", "Cher", ""),
        ("Ana María de la Cruz", "Ana María de la", "Cruz"),
    ],
)
def test_full_names_are_divided(full: str, first: str, last: str) -> None:
    assert split_name(full) == (first, last)


def test_new_ids_rise_and_look_like_all_others() -> None:
    numbers = list(new_numbers(10_000))
    assert numbers == sorted(set(numbers))
    for number in [0, 31, 1023, 1 << 120, *numbers[::1000]]:
        assert public_form("cnt", number) == encode_id("cnt", number)
    assert all(number >> 76 & 15 == 7 for number in numbers)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\uff1d1"])
def test_formulas_become_texts(text: str) -> None:
    assert harmless(text) == f"'{text}"
    assert harmless("a=1") == "a=1"


def test_every_spelling_belongs_to_a_field() -> None:
    for kind, own in SPELLINGS.items():
        assert set(own) <= set(field_names(kind)), kind


@pytest.mark.parametrize(
    "header",
    [
        ["Email Address", "First Name", "Last Name", "Phone Number", "Company"],
        ["E-Mail-Adresse", "Vorname", "Nachname", "Telefon", "Firma"],
        ["Courriel", "Prénom", "Nom", "Téléphone", "Société"],
        ["Correo electrónico", "Nombre", "Apellidos", "Teléfono", "Empresa"],
        ["E-mail 1 - Value", "Given Name", "Family Name", "Phone 1 - Value", "Organization 1 - Name"],
    ],
)
def test_columns_are_recognized_in_several_languages(header: list[str]) -> None:
    fields = ["email", "first_name", "last_name", "phone", "company"]
    assert list(guess_mapping(RecordType.CONTACT, header, [], {}).values()) == fields


def test_a_column_of_addresses_is_the_e_mail_whatever_it_is_called() -> None:
    sample = [["x", f"a{number}@example.com"] for number in range(10)]
    assert guess_mapping(RecordType.LEAD, ["Foo", "Bar"], sample, {}) == {"Bar": "email"}


def test_ids_of_other_systems_are_not_taken_for_ours() -> None:
    assert guess_mapping(RecordType.CONTACT, ["ID", "Email"], [["17", "a@example.com"]], {}) == {"Email": "email"}


def test_custom_fields_are_recognized_by_key_and_label() -> None:
    found = guess_mapping(RecordType.CONTACT, ["Shoe size", "plan"], [], {"shoe_size": "Size", "p": "Plan"})
    assert found == {"Shoe size": "custom.shoe_size", "plan": "custom.p"}


def test_columns_of_one_name_are_told_apart() -> None:
    assert column_names(["Name", "", "Name", "Name_2", " ", ""]) == ["Name", "column_2", "Name_2", "Name_2_2"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_recognized(delimiter: str) -> None:
    rows = [["email", "note, with; all | of them"], ["a@example.com", "x"], ["b@example.com", "y, z"]]
    text = "\n".join(delimiter.join(f'"{one}"' for one in row) for row in rows)
    assert _layout(text).delimiter == delimiter


def test_excels_own_line_names_the_delimiter() -> None:
    layout = _layout("sep=;\nemail;name\na@example.com;x,y\n")
    assert (layout.delimiter, layout.columns, layout.row_number) == (";", ["email", "name"], 2)


@pytest.mark.parametrize("start", [b"%PDF-1.7", b"\xd0\xcf\x11\xe0\xa1", b"\x1f\x8b\x08", b"<html>", b"\x89PNG\r\n"])
def test_files_that_are_no_tables_are_named(start: bytes) -> None:
    with pytest.raises(UnreadableFileError, match="CSV"):
        format_of(start)


def _layout(text: str) -> Layout:
    return read_layout(RecordType.CONTACT, text.encode(), utf8=True, wanted=Wanted(), custom={})
