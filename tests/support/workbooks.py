"""XLSX files made by hand, also such as nobody should make."""

import io
import zipfile
from collections.abc import Sequence
from xml.sax.saxutils import escape

NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
OFFICE = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
WORKBOOK = f'<workbook {NAMESPACE} {OFFICE}>{{pr}}<sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>'
RELATIONS = (
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Type="x" Target="worksheets/sheet1.xml"/></Relationships>'
)
STYLES = (
    f'<styleSheet {NAMESPACE}><numFmts><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd &quot;h&quot;"/>'
    '<numFmt numFmtId="165" formatCode="0.00 &quot;days&quot;"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="165"/></cellXfs></styleSheet>'
)


def cell(value: object, *, kind: str = "inlineStr", style: int = 0, at: str = "") -> str:
    """A cell; of kind `n` a number, `s` the index of a shared text, `b`, `e` or `str` as in the format."""
    place = f' r="{at}"' if at else ""
    if kind == "inlineStr":
        return f'<c{place} t="inlineStr"><is><t>{escape(str(value))}</t></is></c>'
    return f'<c{place} t="{kind}" s="{style}"><f>1+1</f><v>{escape(str(value))}</v></c>'


def row(*cells: str, number: int | None = None) -> str:
    return f"<row{'' if number is None else f' r={chr(34)}{number}{chr(34)}'}>{''.join(cells)}</row>"


def workbook(
    *rows: str,
    texts: Sequence[str] = (),
    workbook_pr: str = "",
    doctype: str = "",
    more: dict[str, bytes] | None = None,
) -> bytes:
    """A file with these rows, as `row` makes them."""
    shared = "".join(f"<si><t>{escape(text)}</t></si>" for text in texts)
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", WORKBOOK.format(pr=workbook_pr))
        archive.writestr("xl/_rels/workbook.xml.rels", RELATIONS)
        archive.writestr("xl/styles.xml", STYLES)
        archive.writestr("xl/sharedStrings.xml", f"<sst {NAMESPACE}>{shared}</sst>")
        sheet = f"{doctype}<worksheet {NAMESPACE}><sheetData>{''.join(rows)}</sheetData></worksheet>"
        archive.writestr("xl/worksheets/sheet1.xml", sheet)
        for name, content in (more or {}).items():
            archive.writestr(name, content)
    return file.getvalue()


def plain_workbook(rows: Sequence[Sequence[object]]) -> bytes:
    """Texts and nothing else."""
    return workbook(*(row(*(cell(value) for value in cells)) for cells in rows))
