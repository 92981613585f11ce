"""How a command ends when something expected goes wrong: one sentence and an exit code, never a stack trace."""

from enum import IntEnum


class ExitCode(IntEnum):
    FAILED = 1
    SETTINGS = 2
    PORT_TAKEN = 3
    DATA_FOLDER = 4
    DATABASE = 5
    REDIS = 6


class CommandFailure(Exception):  # noqa: N818 - it ends a command; it is no programming error
    """Ends the command with `code` after printing `message`, a sentence that says what is wrong and how to mend it."""

    def __init__(self, message: str, code: ExitCode = ExitCode.FAILED) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
