"""How long the supervisor waits, and how it names an exit."""

import pytest

from drippulse_server.supervisor import Backoff, describe_exit


def test_the_wait_doubles_up_to_ten_seconds() -> None:
    backoff = Backoff()
    assert [backoff.seconds(crashes) for crashes in range(1, 8)] == [0.5, 1, 2, 4, 8, 10, 10]
    assert backoff.seconds(10_000) == 10


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (0, "exit code 0"),
        (3, "exit code 3"),
        (-9, "killed by SIGKILL"),
        (-15, "killed by SIGTERM"),
        (-250, "killed by signal 250"),
    ],
)
def test_an_exit_is_told_in_words(code: int, words: str) -> None:
    assert describe_exit(code) == words
