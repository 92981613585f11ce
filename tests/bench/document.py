"""The measured table in the documentation, so that nobody copies figures by hand."""

from pathlib import Path

from tests.bench.table import Results, machine, shown, versions

PAGE = Path(__file__).parents[2] / "platform" / "docs" / "performance.md"
BEGIN, END = "<!-- figures -->", "<!-- end of figures -->"


HEAD = ("| figure | measured | limit in the same run | target | |", "| --- | --- | --- | --- | --- |")


def write_document(results: Results, *, whole: bool) -> Path:
    """Exchange what stands between the two marks of the page; the page's path.

    Args:
        whole: all parts were measured; else the rows of the others stay as they are.
    """
    head, _, rest = PAGE.read_text().partition(BEGIN)
    before, _, tail = rest.partition(END)
    kept = {} if whole else {line.split(" | ")[0]: line for line in before.splitlines() if line.startswith("| ")}
    for line in HEAD:
        kept.pop(line.split(" | ")[0], None)
    measured = {
        f"| {one.name}": f"| {one.name} | {shown(one)} | {one.limit} | {one.target} | "
        f"{'met' if one.met else '**missed**'} |"
        for one in results.figures
    }
    table = [*HEAD, *(kept | measured).values()]
    about = f"Measured on {machine()}; {versions()}."
    PAGE.write_text(f"{head}{BEGIN}\n{about}\n\n" + "\n".join(table) + f"\n{END}{tail}")
    return PAGE
