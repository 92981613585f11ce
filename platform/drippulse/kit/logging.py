"""Logs: one JSON object a line on stderr, with what is bound to the request or the enrollment, and no secrets."""

import logging
import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, cast

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

HIDDEN = "[hidden]"
SECRET_NAMES = re.compile(r"password|passwd|secret|token|authorization|api_?key|credential|cookie|dsn", re.IGNORECASE)
SECRET_TEXTS = re.compile(
    r"adcrm_(?:live|test)_[\w-]+"  # our API keys
    r"|drinv_[\w-]+"  # our invitations
    r"|whsec_[\w+/=]+"
    r"|xox[abeoprs]-[\w-]+"  # Slack
    r"|\beyJ[\w-]+\.[\w-]+\.[\w-]+"  # JWTs
    r"|(?<=://)[^/\s:@]*:[^/\s@]+(?=@)"  # user:password in URLs
    r"|(?i:\bbearer\s+)[\w.~+/=-]+"
)


def hide_secrets(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """structlog processor: values under telling names, and texts that look like credentials."""
    return {name: _hidden(name, value) for name, value in event.items()}


@lru_cache(maxsize=1_000)
def _tells(name: str) -> bool:
    return SECRET_NAMES.search(name) is not None


def _hidden(name: str, value: Any) -> Any:
    if _tells(name) and value is not None and not isinstance(value, bool):
        return HIDDEN
    if isinstance(value, str):
        return SECRET_TEXTS.sub(HIDDEN, value)
    if isinstance(value, Mapping):
        members = cast("Mapping[Any, Any]", value)
        return {key: _hidden(str(key), member) for key, member in members.items()}
    if isinstance(value, list | tuple):
        elements = cast("list[Any] | tuple[Any, ...]", value)
        return [_hidden("", element) for element in elements]
    return value


def configure_logging(level: str, json: bool = True) -> None:
    """Set up structlog and the standard library's loggers alike. Call once, when a process starts.

    Args:
        level: debug, info, warning or error.
        json: False renders for people.
    """
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.format_exc_info,
        hide_secrets,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: Processor = _as_text if json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[*shared, _as_json if json else renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=(
            structlog.BytesLoggerFactory(sys.stderr.buffer) if json else structlog.PrintLoggerFactory(file=sys.stderr)
        ),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.INFO), force=True)
    for noisy in ("httpx", "httpcore", "asyncio"):
        logging.getLogger(noisy).setLevel(max(number, logging.WARNING))


def _as_json(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)


def _as_text(logger: WrappedLogger, name: str, event: EventDict) -> str:
    return _as_json(logger, name, event).decode()
