"""Rows of CSV files as they come: nothing ends the reading, everything that is wrong is named with its row."""

import csv
import io
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drippulse.crm.importing.encodings import detect
from drippulse.crm.importing.lines import Blocks
from drippulse.crm.importing.rows import RowReader, Rows

MEGABYTE = 1 << 20


def blocks_of(data: bytes, size: int = MEGABYTE) -> Blocks:
    """As chunks in the database are read."""

    def blocks(position: int) -> bytes:
        return data[position : min(len(data), (position // size + 1) * size)]

    return blocks


def read(data: bytes, encoding: str = "utf-8", *, width: int = 2, size: int = MEGABYTE) -> Rows:
    return RowReader(blocks_of(data, size), encoding, ",", width=width).read(1_000_000, 1 << 40)


def good(rows: Rows) -> list[tuple[int, str]]:
    return [(number, cells[0]) for number, cells in zip(rows.numbers, rows.cells, strict=True)]


BROKEN: dict[str, tuple[bytes, list[int], dict[int, str]]] = {
    "a quotation mark that never closes": (b'a,b\n1,"x\n2,y\n3,z\n', [1, 3, 4], {2: "not closed"}),
    "one that swallows the next row": (b'a,b\n1,"x\n2,y\n3,"z"\n', [1, 3, 4], {2: "not closed"}),
    "a cell of two lines": (b'a,b\n1,"x\ny"\n2,y\n', [1, 2, 3], {}),
    "old Macintosh line ends": (b'a,b\r1,"x\ry"\r2,y\r', [1, 2, 3], {}),
    "all line ends at once": (b'a,b\r\n1,"x\ny"\n2,y\r3,z', [1, 2, 3, 4], {}),
    "a byte that is not UTF-8": (b"a,b\n1,\xe9\n2,y\n", [1, 3], {2: "0xE9"}),
    "NUL bytes": (b"a,b\n1\0,x\0\n2,y\n", [1, 2, 3], {}),
    "too many cells": (b"a,b\n1,2,3\n2\n\n3,4,,\n", [1, 3, 5], {2: "3 cells, the header 2"}),
    "a long cell": (b'a,b\n1,"' + b"x" * 200_000 + b'"\n2,y\n', [1, 3], {2: "longer than"}),
    "a long cell of many lines": (b'a,b\n1,"' + b"x\n" * 100_000 + b'"\n2,y\n', [1, 3], {2: "longer than"}),
    "a long line": (b"a,b\n1," + b"x" * 3_000_000 + b"\n2,y\n", [1, 3], {2: "line of over"}),
}


@pytest.mark.parametrize("name", BROKEN)
@pytest.mark.parametrize("size", [7, 4_096, MEGABYTE])
def test_what_is_wrong_is_one_rows_affair(name: str, size: int) -> None:
    data, numbers, bad = BROKEN[name]
    if len(data) > 10_000 and size == 7:
        size = 1_000
    rows = read(data, size=size)
    assert rows.numbers == numbers
    assert {one.number: True for one in rows.bad} == dict.fromkeys(bad, True)
    for one in rows.bad:
        assert bad[one.number] in one.message
    assert (rows.at_end, rows.position) == (True, len(data))


def test_a_cell_of_100_megabytes_takes_a_few_of_memory() -> None:
    piece = b"x" * MEGABYTE

    def blocks(position: int) -> bytes:
        number = position // MEGABYTE
        if number == 0:
            return (b'a,b\n1,"' + piece)[position:MEGABYTE]
        if number < 100:
            return piece[position % MEGABYTE :]
        return (b'"\n2,y\n')[position % MEGABYTE :] if number == 100 else b""

    tracemalloc.start()
    try:
        rows = RowReader(blocks, "utf-8", ",", width=2).read(100, 1 << 40)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (good(rows), [one.number for one in rows.bad]) == ([(1, "a"), (3, "2")], [2])
    assert peak < 20 * MEGABYTE


@pytest.mark.parametrize("size", [5, 64, MEGABYTE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be", "windows-1252", "shift_jis", "gb18030"])
def test_positions_are_right_in_every_encoding(encoding: str, size: int) -> None:
    names = {"shift_jis": "日本", "gb18030": "李 Ω", "windows-1252": "Müller €"}
    text = f'a,b\r\n1,{names.get(encoding, "Zoë 😀 李")}\r\n"2\n",y\n3,z'
    data = text.encode(encoding)
    whole = read(data, encoding, size=size)
    assert [cells[0] for cells in whole.cells] == ["a", "1", "2\n", "3"]
    assert whole.cells[1][1] == text.split(",")[2].partition("\r")[0]
    resumed: list[list[str]] = []
    position = row_number = 0
    while True:
        reader = RowReader(blocks_of(data, size), encoding, ",", position=position, row_number=row_number, width=2)
        rows = reader.read(1, 1 << 40)
        resumed += rows.cells
        position, row_number = rows.position, rows.row_number
        if rows.at_end:
            break
    assert (resumed, position, row_number) == (whole.cells, len(data), whole.row_number)


cell = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.lists(cell, min_size=3, max_size=3), max_size=12), st.integers(1, 40), st.integers(1, 5))
def test_what_was_written_is_read_in_portions_of_any_size(table: list[list[str]], size: int, most: int) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(table)
    data = text.getvalue().encode()
    found: list[list[str]] = []
    position = row_number = 0
    for _ in range(len(table) + 2):
        reader = RowReader(blocks_of(data, size), "utf-8", ",", position=position, row_number=row_number, width=3)
        rows = reader.read(most, 1 << 40)
        assert not rows.bad
        found += rows.cells
        position, row_number = rows.position, rows.row_number
        if rows.at_end:
            break
    assert found == [row for row in table if any(one.strip() for one in row)]
    assert position == len(data)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300), st.integers(1, 50))
def test_no_bytes_at_all_stop_the_reading(data: bytes, size: int) -> None:
    for encoding in ("utf-8", "windows-1252", "utf-16-le"):
        rows = read(data, encoding, size=size)
        assert rows.at_end
        assert len(rows.numbers) == len(set(rows.numbers))


@pytest.mark.parametrize(
    ("data", "name"),
    [
        ("Zoë".encode(), "utf-8"),
        ("Zoë".encode("utf-8-sig"), "utf-8"),
        ("email,Zoë\n".encode("utf-16"), "utf-16-le"),
        ("email,name\n".encode("utf-16-be"), "utf-16-be"),
        ("Müller € ‰".encode("cp1252"), "windows-1252"),
        (b"M\xfcller \x81", "iso-8859-1"),
        ("Żółć i gęśl jaźń i dużo innych znaków".encode() + b"\xff", "utf-8"),
    ],
)
def test_encodings_are_recognized(data: bytes, name: str) -> None:
    holds = True
    try:
        data.decode()
    except UnicodeDecodeError:
        holds = False
    assert detect(data, utf8=holds).name == name
