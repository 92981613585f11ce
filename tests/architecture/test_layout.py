"""The rules of the house that no linter knows."""

import ast
import re
import statistics
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOP_FOLDERS = ["platform", "connectors", "graphql", "rest", "workers", "tests", "infra"]
CODE_FOLDERS = ["platform", "connectors", "graphql", "rest", "workers"]
MAX_FILE_LINES = 600
MAX_FUNCTION_LINES = 80
FILE_LINES_P95 = 400
FUNCTION_LINES_P95 = 45
FILE_LINES_MEDIAN = 90
FUNCTION_LINES_MEDIAN = 12
FEATURE_FILE = re.compile(r"^class \w+\(Table\b", re.MULTILINE)
REGISTRY_HOSTS = re.compile(r"(pypi|pythonhosted|debian)[.]org|npmjs[.](org|com)")
MACHINE_PATHS = re.compile(r"(^|[^A-Za-z0-9_.-])/(wo" + r"rk|fa" + r"rm|tmp/dp)/")


def tracked() -> list[Path]:
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [path for name in listing.stdout.splitlines() if (path := ROOT / name).is_file()]


def code_files() -> list[Path]:
    return [
        path
        for path in tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in CODE_FOLDERS and "versions" not in path.parts
    ]


def function_lengths(path: Path) -> list[tuple[int, str]]:
    tree = ast.parse(path.read_text())
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    return [
        (((node.end_lineno or node.lineno) - node.lineno + 1), f"{path.relative_to(ROOT)}:{node.name}")
        for node in functions
    ]


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


@pytest.mark.parametrize("folder", TOP_FOLDERS)
def test_no_python_file_directly_in_a_top_level_folder(folder: str) -> None:
    """`platform/__init__.py` would hide the standard library's module, `graphql/__init__.py` graphql-core."""
    strays = [path.name for path in (ROOT / folder).glob("*.py") if path.name != "conftest.py"]
    assert strays == []


def test_the_top_level_folders_are_the_agreed_ones() -> None:
    folders = {path.relative_to(ROOT).parts[0] for path in tracked() if len(path.relative_to(ROOT).parts) > 1}
    assert {folder for folder in folders if not folder.startswith(".")} == set(TOP_FOLDERS)


def test_no_file_passes_the_ceiling() -> None:
    long = [
        f"{path.relative_to(ROOT)}: {count}"
        for path in code_files()
        if (count := len(path.read_text().splitlines())) > MAX_FILE_LINES
    ]
    assert long == []


def test_files_and_functions_stay_small() -> None:
    lines = [len(path.read_text().splitlines()) for path in code_files()]
    functions = [length for path in code_files() for length, _ in function_lengths(path)]
    assert statistics.median(lines) <= FILE_LINES_MEDIAN
    assert percentile(lines, 0.95) <= FILE_LINES_P95
    assert statistics.median(functions) <= FUNCTION_LINES_MEDIAN
    assert percentile(functions, 0.95) <= FUNCTION_LINES_P95


def test_no_function_passes_the_ceiling() -> None:
    long = [
        f"{name}: {length}"
        for path in code_files()
        for length, name in function_lengths(path)
        if length > MAX_FUNCTION_LINES
    ]
    assert long == []


def test_tables_stand_in_tables_py() -> None:
    strays = [
        str(path.relative_to(ROOT))
        for path in code_files()
        if FEATURE_FILE.search(path.read_text()) and path.name != "tables.py"
    ]
    assert strays == []


def test_no_committed_file_names_a_registry_host_or_a_machine_path() -> None:
    found: list[str] = []
    for path in tracked():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        if REGISTRY_HOSTS.search(text) or MACHINE_PATHS.search(text):
            found.append(str(path.relative_to(ROOT)))
    assert [name for name in found if name != "tests/architecture/test_layout.py"] == []


def test_the_tree_in_the_readme_is_the_tree_on_disk() -> None:
    block = re.search(r"```tree\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert block, "README.md has a ```tree block"
    named: list[str] = []
    parents: list[str] = []
    for line in block[1].splitlines():
        name = line.split("  ")[0] if not line.startswith(" ") else line.strip().split("  ")[0]
        depth = (len(line) - len(line.lstrip())) // 2
        parents[depth:] = [name]
        named.append("".join(parents))
    missing = [name for name in named if not (ROOT / name).exists()]
    assert missing == []
    folders = {f"{path.relative_to(ROOT).parts[0]}/" for path in tracked() if len(path.relative_to(ROOT).parts) > 1}
    assert {folder for folder in folders if not folder.startswith(".")} <= set(named)
