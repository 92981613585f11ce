"""What kind of file it is, by its first bytes. Pure."""

from drippulse.crm.importing.errors import UnreadableFileError

ZIP = b"PK\x03\x04"
OTHERS = {
    b"\xd0\xcf\x11\xe0": "an old Excel file (.xls)",
    b"%PDF": "a PDF",
    b"\x1f\x8b": "compressed with gzip",
    b"PK\x05\x06": "an empty archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"<!DOCTYPE": "a web page",
    b"<html": "a web page",
    b"<?xml": "XML",
    b"{\\rtf": "a text document",
}


def format_of(head: bytes) -> str:
    """`xlsx` or `csv`, whatever the file is called.

    Raises:
        UnreadableFileError: it is neither.
    """
    if head.startswith(ZIP):
        return "xlsx"
    for mark, what in OTHERS.items():
        if head.lstrip()[:20].lower().startswith(mark.lower()):
            raise UnreadableFileError(f"The file is {what}; save the table as CSV or XLSX.")
    return "csv"
