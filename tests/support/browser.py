"""A real Chromium over the DevTools protocol on a pipe: pages as a person uses them, with no further library."""

import asyncio
import base64
import itertools
import json
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    *("--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--remote-debugging-pipe"),
)
ANSWER_SECONDS = 30.0
NAVIGATED = "Inspected target navigated or closed"
LONGEST_MESSAGE = 64 * 1024 * 1024


def chromium() -> str:
    """The program. Without one the test is skipped, but for CI, where it must be there."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        assert not os.environ.get("CI"), "CI needs Chromium: .ci/run installs Debian's package `chromium`"
        pytest.skip("no Chromium on PATH (Debian: apt-get install chromium)")
    return found


class NavigatedError(AssertionError):
    """The page that was asked has gone meanwhile."""


class Browser:
    """A Chromium over its pipe. Answers go to whoever asked, events to the tab that they are of."""

    def __init__(self, reader: asyncio.StreamReader, write: int) -> None:
        self._write = write
        self._ids = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tabs: dict[str, Page] = {}
        self._listener = asyncio.create_task(self._listen(reader))

    @asynccontextmanager
    async def page(self) -> AsyncGenerator["Page"]:
        """A tab that shares nothing with others."""
        context = (await self.call("Target.createBrowserContext"))["browserContextId"]
        target = await self.call("Target.createTarget", url="about:blank", browserContextId=context)
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        session: str = attached["sessionId"]
        page = self._tabs[session] = Page(self, session)
        try:
            for domain in ("Page", "Runtime", "Log", "Network"):
                await self.call(f"{domain}.enable", session)
            yield page
        finally:
            del self._tabs[session]
            await self.call("Target.disposeBrowserContext", browserContextId=context)

    async def call(self, method: str, session: str = "", **params: Any) -> dict[str, Any]:
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        message: dict[str, Any] = {"id": number, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        told = await asyncio.wait_for(answer, ANSWER_SECONDS)
        if NAVIGATED in str(told.get("error")):
            raise NavigatedError(method)
        assert "error" not in told, f"{method}: {told['error']}"
        return told["result"]

    async def end(self) -> None:
        """Stops listening."""
        self._listener.cancel()
        with suppress(asyncio.CancelledError):
            await self._listener

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        while True:
            message = json.loads((await reader.readuntil(b"\0"))[:-1])
            if "id" in message:
                answer = self._answers.pop(message["id"])
                if not answer.done():
                    answer.set_result(message)
            elif (tab := self._tabs.get(message.get("sessionId", ""))) is not None:
                tab.hear(message["method"], message["params"])


class Page:
    """One tab. `problems` collects uncaught errors and what the console or the network complained about."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.problems: list[str] = []
        self._browser = browser
        self._session = session
        self._loaded = asyncio.Event()

    async def open(self, url: str, *, width: int = 1280, height: int = 800, dark: bool = False) -> None:
        """Loads an address at a size and in a colour scheme."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        await self._call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        await self._call("Emulation.setEmulatedMedia", features=[scheme])
        self._loaded.clear()
        await self._call("Page.navigate", url=url)
        await asyncio.wait_for(self._loaded.wait(), ANSWER_SECONDS)

    async def value(self, expression: str) -> Any:
        """What a JavaScript expression answers in the page, promises awaited."""
        answer = await self._call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def until(self, expression: str) -> Any:
        """The expression's value as soon as it is truthy, over changes of the page."""
        async with asyncio.timeout(ANSWER_SECONDS):
            while True:
                with suppress(NavigatedError):
                    if value := await self.value(expression):
                        return value
                await asyncio.sleep(0.05)

    async def type(self, selector: str, text: str) -> None:
        """Puts the focus there, empties it and types."""
        await self.value(f"(e => {{ e.focus(); e.select(); }})(document.querySelector({json.dumps(selector)}))")
        await self._call("Input.insertText", text=text)

    async def press(self, key: str) -> None:
        """Presses a key where the focus is."""
        for kind in ("keyDown", "keyUp"):
            await self._call("Input.dispatchKeyEvent", type=kind, key=key)

    async def click(self, selector: str) -> None:
        """Clicks on the middle of an element with the mouse."""
        await self.value(f"document.querySelector({json.dumps(selector)}).scrollIntoView({{block: 'center'}})")
        box = (
            f"document.querySelector({json.dumps(selector)}).getClientRects()[0]"  # of a link over two lines, the first
        )
        x, y = await self.value(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})")
        for kind in ("mousePressed", "mouseReleased"):
            await self._call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    async def screenshot(self) -> bytes:
        """A PNG of what is visible."""
        return base64.b64decode((await self._call("Page.captureScreenshot"))["data"])

    async def _call(self, method: str, **params: Any) -> dict[str, Any]:
        return await self._browser.call(method, self._session, **params)

    def hear(self, event: str, params: dict[str, Any]) -> None:
        """What happened in it."""
        if event == "Page.loadEventFired":
            self._loaded.set()
        elif event == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(params["exceptionDetails"])[:500])
        elif event == "Log.entryAdded" and params["entry"]["level"] in {"error", "warning"}:
            self.problems.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif event == "Runtime.consoleAPICalled" and params["type"] in {"error", "warning", "assert"}:
            self.problems.append(json.dumps(params["args"])[:500])


@asynccontextmanager
async def running_browser() -> AsyncGenerator[Browser]:
    """A Chromium of its own."""
    program = chromium()
    root = ("--no-sandbox",) if os.geteuid() == 0 else ()
    their_commands, our_commands = os.pipe()
    our_answers, their_answers = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            # Chromium reads commands from file descriptor 3 and answers on 4.
            *("bash", "-c", f'exec 3<&{their_commands} 4>&{their_answers}; exec "$@"', "bash", program),
            *(*FLAGS, *root, f"--user-data-dir={profile}"),
            pass_fds=(their_commands, their_answers),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        os.close(their_commands)
        os.close(their_answers)
        reader = asyncio.StreamReader(limit=LONGEST_MESSAGE)
        pipe = os.fdopen(our_answers, "rb")
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), pipe
        )
        browser = Browser(reader, our_commands)
        try:
            yield browser
        finally:
            await browser.end()
            transport.close()
            os.close(our_commands)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
