"""Debian's Chromium over a real server: what the browser tests share."""

import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import uvicorn
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

from data.settings import Settings
from serving.app import create_app
from tests.serving.dashboard.conftest import PASSWORD

expect.set_options(timeout=30_000)  # a busy machine is no failure
SCREENSHOTS = os.environ.get("SCREENSHOTS")
COLOURS = ("color-contrast", "link-in-text-block")  # what a page in the dark can do worse than in the light
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@contextmanager
def serving_at(settings: Settings) -> Iterator[str]:
    """Yield the dashboard's address on a server that runs in a thread of this process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    running = uvicorn.Server(uvicorn.Config(create_app(settings), host="127.0.0.1", port=port, log_config=None))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    end = time.monotonic() + 240  # as long as a start may take beside other work
    while not running.started and time.monotonic() < end:
        time.sleep(0.05)
    assert running.started
    yield f"http://localhost:{port}/dashboard"
    running.should_exit = True
    thread.join(30)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Yield a browser; the test is skipped where there is none."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("no Chromium here; .ci/browser installs Debian's")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@contextmanager
def manager_at(browser: Browser, server: str, name: str = "login") -> Iterator[BrowserContext]:
    """Yield a browser's context in which the manager has signed in, with the keyboard."""
    context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900}, accept_downloads=True)
    page = context.new_page()
    page.goto(server)
    expect(page).to_have_title("登录 · 供需")
    keep(page, name)
    page.get_by_label("用户名").focus()
    page.keyboard.type("manager")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="今日待办", level=1)).to_be_visible()
    page.close()
    yield context
    context.close()


@contextmanager
def watched(context: BrowserContext, server: str) -> Iterator[Page]:
    """Yield a page on which no script fails, nothing is refused, and nothing comes from elsewhere."""
    opened = context.new_page()
    opened.set_default_timeout(30_000)
    complaints: list[str] = []
    host = server.partition("/dashboard")[0]
    opened.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("request", lambda sent: None if sent.url.startswith(host) else complaints.append(sent.url))
    opened.on("dialog", lambda dialog: complaints.append(dialog.message))
    yield opened
    opened.close()
    assert complaints == []


class Clicks:
    """A page on which what a person does is counted: clicks, choices in a list, files chosen."""

    def __init__(self) -> None:
        self.number = 0

    def click(self, *locators: Locator) -> None:
        for locator in locators:
            locator.click()
            self.number += 1

    def choose(self, locator: Locator, label: str) -> None:
        locator.select_option(label=label)
        self.number += 1

    def files(self, locator: Locator, paths: Sequence[Path]) -> None:
        locator.set_input_files(paths)
        self.number += 1


@contextmanager
def within(most: int) -> Iterator[Clicks]:
    """Yield a counter; a task that took more than `most` clicks fails. docs/operators.md says where the numbers come from."""
    counter = Clicks()
    yield counter
    assert counter.number <= most


def keep(page: Page, name: str, *, whole: bool = False) -> None:
    """Keep a picture of a page for people to look at, where `SCREENSHOTS` names a folder for them."""
    if SCREENSHOTS:
        page.screenshot(path=Path(SCREENSHOTS) / f"{name}.png", full_page=whole)


def keep_wide_and_narrow(page: Page, name: str) -> None:
    """Keep a page as a desk and as a telephone show it; neither may have to be moved sideways."""
    for width, height in ((1280, 900), (390, 844)):
        page.set_viewport_size({"width": width, "height": height})
        keep(page, f"{name}-{width}", whole=True)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (name, width)
    page.set_viewport_size({"width": 1440, "height": 900})


def visit(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_load_state("networkidle")


def violations(page: Page, *rules: str) -> list[str]:
    """Return what axe finds wrong with a page, however slight; of `rules` only, where some are named."""
    options = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    found = Axe().run(page, options=options).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html'][:160]}" for one in found]


def violations_by_day_and_night(page: Page) -> list[str]:
    """Return what axe finds wrong in the light, and with the colours in the dark."""
    found = violations(page)
    page.emulate_media(color_scheme="dark")
    found += violations(page, *COLOURS)
    page.emulate_media(color_scheme="light")
    return found
