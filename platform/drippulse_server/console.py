"""The terminal: results on standard output, failures on standard error."""

from rich.console import Console

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def fail(sentence: str) -> None:
    """Prints one red sentence, never wrapped: it may be read by a program."""
    err.print(sentence, style="red", markup=False, soft_wrap=True)
