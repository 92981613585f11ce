"""Where the lines of all children go: a log file, and our standard output as far as somebody reads it."""

import logging
import logging.handlers
import queue
import sys
import threading
from pathlib import Path

LOG_BYTES = 10 * 1024 * 1024
WAITING_LINES = 10_000
CLOSE_SECONDS = 2.0


class LineOutput:
    """Takes lines without ever blocking: a reader of our output that sleeps must not stop the instance."""

    def __init__(self, log_file: Path) -> None:
        log_file.touch(mode=0o600)
        self._file = logging.handlers.RotatingFileHandler(log_file, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
        self._file.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        self._waiting: queue.Queue[str | None] = queue.Queue(WAITING_LINES)
        self._writer = threading.Thread(target=self._write, name="output", daemon=True)
        self._writer.start()

    def __call__(self, line: str) -> None:
        self._file.emit(logging.LogRecord("up", logging.INFO, "", 0, line, None, None))
        try:
            self._waiting.put_nowait(line)
        except queue.Full:
            return  # the log file has it

    def close(self) -> None:
        """Writes out what waits, as long as somebody reads it."""
        try:
            self._waiting.put(None, timeout=CLOSE_SECONDS)
        except queue.Full:
            return
        self._writer.join(CLOSE_SECONDS)
        self._file.close()

    def _write(self) -> None:
        while (line := self._waiting.get()) is not None:
            try:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
            except (OSError, ValueError):  # nobody listens any more
                return
