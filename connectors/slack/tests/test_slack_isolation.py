"""The connector lives without the platform, and imports only what its distribution declares."""

import ast
import importlib.metadata
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import drippulse_connector_slack

DISTRIBUTION = "drippulse-connector-slack"
ROOT = Path(__file__).parents[3]
BLOCKER = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top.startswith("drippulse") and not top.startswith("drippulse_connector_"):
            raise ModuleNotFoundError(f"{name} is the platform's", name=name)
        return None
sys.meta_path.insert(0, Blocker())
"""
BLOCK_UNDECLARED = """
import json
allowed = set(json.loads(sys.argv[1]))
class Undeclared:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top not in allowed and not top.startswith("_sysconfigdata"):
            raise ModuleNotFoundError(f"{name} is not declared", name=name)
        return None
sys.meta_path.insert(0, Undeclared())
"""
LIST_IMPORTS = """
import drippulse_connector_slack
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules if sys.modules[name]})))
"""
RUN_CONTRACT = """
import pytest
sys.exit(pytest.main(sys.argv[1:]))
"""


def _run(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "PYTHON"))}
    command = [sys.executable, "-c", BLOCKER + code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment, timeout=100)


def _declared(distribution: str) -> list[str]:
    """Normalized names of the distributions it requires without any extra."""
    requirements = importlib.metadata.requires(distribution) or []
    plain = [one for one in requirements if "extra ==" not in one]
    return [re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", one)[0]).lower() for one in plain]


def _closure(distribution: str) -> set[str]:
    found, queue = {distribution}, [distribution]
    while queue:
        for name in _declared(queue.pop()):
            if name not in found and _installed(name):
                found.add(name)
                queue.append(name)
    return found


def _installed(name: str) -> bool:
    try:
        importlib.metadata.distribution(name)
    except importlib.metadata.PackageNotFoundError:
        return False  # required on another system or Python only
    return True


def _top_level_modules(distributions: set[str]) -> set[str]:
    provided = importlib.metadata.packages_distributions()
    normalized = {module: {re.sub(r"[-_.]+", "-", one).lower() for one in names} for module, names in provided.items()}
    editable = {name.replace("-", "_") for name in distributions if name.startswith("drippulse-connector-")}
    return {module for module, names in normalized.items() if names & distributions} | editable


def test_blocker_blocks_the_platform() -> None:
    """The negative control: without it the platform can be imported, with it it cannot."""
    assert importlib.util.find_spec("drippulse") is not None
    done = _run("import drippulse")
    assert done.returncode != 0
    assert "drippulse is the platform's" in done.stderr


def test_import_needs_declared_dependencies_only() -> None:
    """As in an environment that holds nothing else; what httpx imports if it happens to be there is missing too."""
    declared = _top_level_modules(_closure(DISTRIBUTION))
    done = _run(BLOCK_UNDECLARED + LIST_IMPORTS, json.dumps(sorted(declared | sys.stdlib_module_names)))
    assert done.returncode == 0, done.stderr
    loaded = set(json.loads(done.stdout))
    assert {"drippulse_connector_slack", "drippulse_connector_sdk", "httpx", "pydantic"} <= loaded
    assert not any(name.startswith("drippulse") for name in loaded - declared)


@pytest.mark.parametrize("missing", ["httpx", "pydantic", "authlib", "drippulse_connector_sdk"])
def test_import_fails_without_a_declared_dependency(missing: str) -> None:
    """The negative control: the check above notices an import that is not allowed."""
    allowed = (_top_level_modules(_closure(DISTRIBUTION)) | sys.stdlib_module_names) - {missing}
    done = _run(BLOCK_UNDECLARED + LIST_IMPORTS, json.dumps(sorted(allowed)))
    assert done.returncode != 0
    assert f"{missing} is not declared" in done.stderr


@pytest.mark.parametrize("source", sorted(Path(drippulse_connector_slack.__file__).parent.glob("*.py")), ids=str)
def test_direct_imports_are_declared_directly(source: Path) -> None:
    nodes = list(ast.walk(ast.parse(source.read_text())))
    names = {one.module or "" for one in nodes if isinstance(one, ast.ImportFrom)}
    names |= {alias.name for one in nodes if isinstance(one, ast.Import) for alias in one.names}
    allowed = _top_level_modules({DISTRIBUTION, *_declared(DISTRIBUTION)}) | sys.stdlib_module_names
    undeclared = {name.partition(".")[0] for name in names} - allowed
    assert not undeclared


def test_contract_suite_runs_without_the_platform() -> None:
    suite = str(Path(__file__).with_name("test_slack_contract.py"))
    options = ["-o", "addopts=--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:xdist", "-q"]
    done = _run(RUN_CONTRACT, *options, suite)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d\d+ passed", done.stdout), done.stdout
