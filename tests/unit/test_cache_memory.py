"""How much memory the embedded PostgreSQL takes for its cache."""

from pathlib import Path

import pytest

from drippulse_server.embedded.memory import LEAST_MIB, MOST_MIB, cache_mib


def test_it_is_between_the_least_and_the_most() -> None:
    assert LEAST_MIB <= cache_mib(()) <= MOST_MIB


@pytest.mark.parametrize(("limit", "mib"), [("4294967296", 128), ("536870912", LEAST_MIB)])
def test_a_containers_limit_counts(limit: str, mib: int, tmp_path: Path) -> None:
    told = tmp_path / "memory.max"
    told.write_text(f"{limit}\n")
    assert cache_mib((told,)) == mib


@pytest.mark.parametrize("text", ["max\n", ""])
def test_a_container_without_a_limit_changes_nothing(text: str, tmp_path: Path) -> None:
    told = tmp_path / "memory.max"
    told.write_text(text)
    assert cache_mib((told, tmp_path / "missing")) == cache_mib(())
