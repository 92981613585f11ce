"""Where the lines of all children go: a log file, and our standard output as far as somebody reads it."""

import logging
import logging.handlers
import queue
import sys
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

LOG_BYTES = 10 * 1024 * 1024
WAITING = 1_000
"""Of what came together, at most 64 KiB each."""
CLOSE_SECONDS = 2.0


class LineOutput:
    """Takes lines without ever blocking: a reader of our output that sleeps must not stop the instance."""

    def __init__(self, log_file: Path) -> None:
        log_file.touch(mode=0o600)
        self._file = logging.handlers.RotatingFileHandler(log_file, maxBytes=LOG_BYTES, backupCount=1, encoding="utf-8")
        self._waiting: queue.Queue[str | None] = queue.Queue(WAITING)
        self._writer = threading.Thread(target=self._write, name="output", daemon=True)
        self._writer.start()

    def __call__(self, lines: Sequence[str]) -> None:
        if not lines:
            return
        now = datetime.now().astimezone().isoformat(sep=" ", timespec="milliseconds")
        together = "\n".join(f"{now} {line}" for line in lines)
        self._file.emit(logging.LogRecord("up", logging.INFO, "", 0, together, None, None))
        try:
            self._waiting.put_nowait("\n".join(lines))
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
        while (lines := self._waiting.get()) is not None:
            try:
                sys.stdout.write(lines + "\n")
                sys.stdout.flush()
            except (OSError, ValueError):  # nobody listens any more
                return
