"""Reading contacts from CSV files as real systems export them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drippulse.enrollments.csv_headers import read_header, snake_case
from drippulse.enrollments.csv_import import MAX_CELL, ImportRow, ProblemKind, read_layout, read_rows
from drippulse.enrollments.errors import CsvFileError
from tests.support.messy_csv import messy_csv


def _read(tmp_path: Path, content: bytes, *, keep_invalid: bool = False) -> list[ImportRow]:
    path = tmp_path / "contacts.csv"
    path.write_bytes(content)
    return list(read_rows(read_layout(path), keep_invalid=keep_invalid))


def _contacts(tmp_path: Path, content: bytes) -> list[dict[str, str]]:
    return [row.contact for row in _read(tmp_path, content) if row.contact is not None]


ZOE = "Email,Name\nzoe@example.com,Zoë Łoś\n"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_unicode_files_are_read_with_and_without_a_mark(tmp_path: Path, encoding: str) -> None:
    assert _contacts(tmp_path, ZOE.encode(encoding)) == [{"email": "zoe@example.com", "name": "Zoë Łoś"}]


def test_windows_1252_is_the_fallback_and_is_announced(tmp_path: Path) -> None:
    path = tmp_path / "old.csv"
    path.write_bytes("Email,Name\nzoe@example.com,Zoë Müller ‰ €\n".encode("cp1252"))
    layout = read_layout(path)
    assert "Windows-1252" in layout.notices[0]
    [row] = read_rows(layout)
    assert row.contact == {"email": "zoe@example.com", "name": "Zoë Müller ‰ €"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    content = (
        delimiter.join(["email", '"a,b;c|d"', "plan"]) + "\n" + delimiter.join(["a@example.com", '"x,y;z|w"', "pro"])
    )
    assert _contacts(tmp_path, content.encode()) == [{"email": "a@example.com", "a_b_c_d": "x,y;z|w", "plan": "pro"}]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_line_end_works_and_lines_are_counted_through_quoted_breaks(tmp_path: Path, end: str) -> None:
    content = end.join(["email,note", f'a@example.com,"one{end}two"', "", "bad,x", "b@example.com,"])
    rows = _read(tmp_path, content.encode())
    assert [row.line for row in rows] == [2, 5, 6]
    assert rows[0].contact == {"email": "a@example.com", "note": f"one{end}two"}
    assert rows[2].contact == {"email": "b@example.com"}


def test_of_one_address_the_first_row_is_kept(tmp_path: Path) -> None:
    rows = _read(tmp_path, b"email,n\na@example.com,1\nA@EXAMPLE.com,2\n a@example.com ,3\n")
    assert [row.contact is not None for row in rows] == [True, False, False]
    assert [row.problem.kind for row in rows[1:] if row.problem] == [ProblemKind.DUPLICATE] * 2
    assert rows[1].problem is not None
    assert "line 2" in rows[1].problem.message


def test_rows_without_a_valid_address_are_left_out_unless_kept(tmp_path: Path) -> None:
    content = b"email,n\n,1\nnobody,2\na@example.com,3\n"
    rows = _read(tmp_path, content)
    assert [row.problem.kind if row.problem else None for row in rows] == ["missing_address", "invalid_address", None]
    assert [row.contact for row in rows] == [None, None, {"email": "a@example.com", "n": "3"}]
    kept = _read(tmp_path, content, keep_invalid=True)
    assert [row.contact for row in kept][:2] == [{"n": "1"}, {"email": "nobody", "n": "2"}]
    assert [row.problem is not None for row in kept] == [True, True, False]


def test_short_rows_are_taken_and_long_ones_reported(tmp_path: Path) -> None:
    content = b"email,first name,plan\na@example.com\nb@example.com,B,pro,,\nc@example.com,Smith, Jr.,pro\n"
    rows = _read(tmp_path, content)
    assert [row.contact for row in rows[:2]] == [
        {"email": "a@example.com"},
        {"email": "b@example.com", "first_name": "B", "plan": "pro"},
    ]
    assert rows[2].contact is None
    assert rows[2].problem is not None
    assert rows[2].problem.kind is ProblemKind.RAGGED


@pytest.mark.parametrize(
    ("names", "keys"),
    [
        (["E-Mail", "Vorname", "Nachname"], ["email", "first_name", "last_name"]),
        (["EMAIL ADDRESS", "First Name", "Surname"], ["email", "first_name", "last_name"]),
        (["mail", "given_name", "family_name"], ["email", "first_name", "last_name"]),
        (["emailAddress", "firstName", "lastName"], ["email", "first_name", "last_name"]),
        (["Prénom", "courriel", "Größe (m²)"], ["first_name", "email", "grosse_m2"]),
        (["email", "Email", "e-mail"], ["email", "email_2", "e_mail"]),
        (["email", "", "  ", "Plan", "plan"], ["email", "column_2", "column_3", "plan", "plan_2"]),
        (["email", "a", "", ""], ["email", "a"]),
        (["Имя", "名前", "email"], ["имя", "名前", "email"]),
        (["lead_ref", "ID", "email"], ["lead_ref", "id", "email"]),
    ],
)
def test_columns_get_their_keys(names: list[str], keys: list[str]) -> None:
    header = read_header(names)
    assert list(header.keys) == keys
    assert header.email_column == (keys.index("email") if "email" in keys else None)


def test_nul_characters_are_left_out_and_announced(tmp_path: Path) -> None:
    path = tmp_path / "nul.csv"
    path.write_bytes(b"email,n\na@example.com,x\x00y\n")
    layout = read_layout(path)
    assert "NUL" in layout.notices[0]
    assert [row.contact for row in read_rows(layout)] == [{"email": "a@example.com", "n": "xy"}]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\xef\xbb\xbf\r\n\r\n", "is empty"),
        (b"a@example.com,Ada\nb@example.com,Bob\n", "first line holds an e-mail address"),
        (b'email,n\na@example.com,"open\nb@example.com,2\nc@example.com,3\n', "begins in line 2"),
        (b"email,n\na@example.com," + b"x" * (MAX_CELL + 1) + b"\n", "begins in line 2"),
        (b"email,n\n" + b"x" * 5_000_000, "line 2, is over"),
        (b"PK\x03\x04rest of a spreadsheet", "spreadsheet"),
        ("email\na@example.com\n".encode("utf-16") + b"\x00", "goes on as something else"),
    ],
)
def test_a_file_that_cannot_be_read_to_its_end_is_refused_as_a_whole(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "broken.csv"
    path.write_bytes(content)
    with pytest.raises(CsvFileError, match=message):
        read_layout(path)


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(CsvFileError, match="cannot be read: No such file"):
        read_layout(tmp_path / "absent.csv")


def test_a_huge_cell_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "huge.csv"
    with path.open("wb") as file:
        file.write(b"email,n\na@example.com,")
        for _ in range(100):
            file.write(b"x" * 1_000_000)
    with pytest.raises(CsvFileError, match="over"):
        read_layout(path)


def test_the_messy_export_comes_out_as_counted(tmp_path: Path) -> None:
    messy = messy_csv()
    rows = _read(tmp_path, messy.content)
    kinds = [row.problem.kind for row in rows if row.problem is not None]
    assert len(rows) == messy.rows == 1_000
    assert sum(row.contact is not None for row in rows) == messy.enrolled
    assert kinds.count(ProblemKind.DUPLICATE) == messy.duplicates > 0
    assert kinds.count(ProblemKind.MISSING_ADDRESS) == messy.missing > 0
    assert kinds.count(ProblemKind.INVALID_ADDRESS) == messy.invalid > 0
    assert kinds.count(ProblemKind.RAGGED) == messy.ragged > 0
    first = rows[2].contact
    assert first == {
        "email": "person.3@example.com",
        "first_name": "Ayşe",
        "last_name": "Müller",
        "company_name": "Firma 3 GmbH",
        "notes": 'line one\nline "two" of 3, and more',
        "column_6": "x",
        "company_name_2": "Group",
    }


@given(st.binary(max_size=400))
def test_no_content_crashes_the_reader(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("any") / "any.csv"
    path.write_bytes(content)
    try:
        layout = read_layout(path)
    except CsvFileError:
        return
    assert len(list(read_rows(layout, keep_invalid=True))) == layout.rows


@given(st.text(max_size=40))
def test_snake_case_is_stable(name: str) -> None:
    assert snake_case(snake_case(name)) == snake_case(name)
