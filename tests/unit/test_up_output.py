"""What the children of `drippulse up` say: each line with its time in the log file, and as it is on standard output."""

import re
from pathlib import Path

import pytest

from drippulse_server.up.output import LineOutput

TIMED = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (.*)")


def test_each_line_is_written_once_and_in_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = LineOutput(tmp_path / "up.log")
    output(["web | one", "web | two"])
    output([])
    output(["worker | three"])
    output.close()
    said = ["web | one", "web | two", "worker | three"]
    assert capsys.readouterr().out.splitlines() == said
    timed = [TIMED.fullmatch(line) for line in (tmp_path / "up.log").read_text().splitlines()]
    assert [found and found[1] for found in timed] == said
