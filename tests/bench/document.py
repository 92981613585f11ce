"""The measured table in the documentation, so that nobody copies figures by hand."""

from pathlib import Path

from tests.bench.table import Results, machine, shown, versions

PAGE = Path(__file__).parents[2] / "platform" / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


def write_document(results: Results) -> Path:
    """Exchange what stands between the two marks of the page; the page's path."""
    rows = [
        f"| {one.name} | {shown(one)} | {one.limit} | {one.target} | {'met' if one.met else '**missed**'} |"
        for one in results.figures
    ]
    table = ["| figure | measured | limit in the same run | target | |", "| --- | --- | --- | --- | --- |", *rows]
    about = f"Measured on {machine()}; {versions()}."
    head, _, rest = PAGE.read_text().partition(BEGIN)
    tail = rest.partition(END)[2]
    PAGE.write_text(f"{head}{BEGIN}\n{about}\n\n" + "\n".join(table) + f"\n{END}{tail}")
    return PAGE
