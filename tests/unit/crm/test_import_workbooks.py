"""XLSX files: what their cells mean, and those that are made to do harm."""

import contextlib
import io
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drippulse.crm.importing.errors import UnreadableFileError
from drippulse.crm.importing.xlsx.sheet import read_sheet
from tests.support.workbooks import cell, plain_workbook, row, workbook

ENTITIES = '<!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def rows_of(content: bytes) -> list[list[str]]:
    return [cells for part in read_sheet(io.BytesIO(content)) for cells in part]


def test_cells_are_read_as_a_person_sees_them() -> None:
    made = workbook(
        row(cell(0, kind="s"), cell("plain"), cell("", kind="str")),
        row(
            cell(46022, kind="n", style=1),
            cell(46022.75, kind="n", style=2),
            cell(2.5, kind="n", style=3),
            cell(4917112345678, kind="n"),
            cell("4.917E12", kind="n"),
            cell(0.1, kind="n"),
            cell(1, kind="b"),
            cell("#N/A", kind="e"),
            cell("cached", kind="str"),
        ),
        row(cell("far", at="D9"), number=9),
        texts=["shared é"],
    )
    found = rows_of(made)
    assert found[0] == ["shared é", "plain", ""]
    assert found[1] == [
        "2025-12-31",
        "2025-12-31T18:00:00",
        "2.5",
        "4917112345678",
        "4917000000000",
        "0.1",
        "true",
        "",
        "cached",
    ]
    assert (len(found), found[8]) == (9, ["", "", "", "far"])


def test_workbooks_that_count_from_1904_are_read_right() -> None:
    made = workbook(row(cell(0, kind="n", style=1)), workbook_pr='<workbookPr date1904="1"/>')
    assert rows_of(made) == [["1904-01-01"]]


def test_the_first_days_of_1900_are_right_in_spite_of_the_leap_day_that_never_was() -> None:
    made = workbook(row(cell(1, kind="n", style=1), cell(59, kind="n", style=1), cell(61, kind="n", style=1)))
    assert rows_of(made) == [["1900-01-01", "1900-02-28", "1900-03-01"]]


HARMFUL = {
    "a cell that unpacks to 20 MB": lambda: workbook(row(cell("x" * 20_000_000))),
    "entities": lambda: workbook(row(cell("a")), doctype=ENTITIES),
    "a shared text that is not there": lambda: workbook(row(cell(7, kind="s"))),
    "rows that go backwards": lambda: workbook(row(cell("a"), number=5), row(cell("b"), number=4)),
    "a row beyond the last": lambda: workbook(row(cell("a"), number=99_999_999)),
    "a column beyond the last": lambda: workbook(row(cell("a", at="XFD1"))),
    "10,000 columns": lambda: workbook(row(*(cell("a") for _ in range(10_000)))),
    "3,000 members": lambda: workbook(row(cell("a")), more={f"x/{n}": b"" for n in range(3_000)}),
    "half a file": lambda: plain_workbook([["a", "b"]] * 100)[:-40],
    "no archive": lambda: b"PK\x03\x04 and nothing",
    "an archive of something else": lambda: _archive({"word/document.xml": b"<a/>"}),
    "no sheet": lambda: _archive({"xl/workbook.xml": b"<workbook/>"}),
    "XML that ends early": lambda: _archive(
        {
            "xl/workbook.xml": b'<workbook><sheets><sheet name="A"/></sheets></workbook>',
            "xl/worksheets/sheet1.xml": b"<a>",
        }
    ),
    "elements without end": lambda: _archive(
        {"xl/workbook.xml": b'<workbook><sheets><sheet name="A"/></sheets></workbook>'}
        | {"xl/worksheets/sheet1.xml": b"<a>" * 1_000}
    ),
}


@pytest.mark.parametrize("name", HARMFUL)
def test_harmful_files_are_refused(name: str) -> None:
    with pytest.raises(UnreadableFileError):
        rows_of(HARMFUL[name]())


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_damaged_files_are_refused_or_read_and_never_break(data: st.DataObject) -> None:
    made = bytearray(plain_workbook([["email", "name"], ["a@example.com", "A"]]))
    for _ in range(data.draw(st.integers(1, 5))):
        made[data.draw(st.integers(0, len(made) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(UnreadableFileError):
        rows_of(bytes(made))


def _archive(members: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()
