"""A server of its own in a process, and one browser that looks at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import pytest

from tests.browser.seeding import seed
from tests.platform.programs import Machine, machine
from tests.server.conftest import Repository

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

PIPELINES = "box: busybox\nbuild:\n  steps: [{script: {code: echo}}]\n"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
SECONDS = 40


def _missing(what: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(f"{what}, and this is CI")
    pytest.skip(what)


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A server that runs, with what `seeding` put there."""
    folder: Path = tmp_path_factory.mktemp("pages")
    repository = Repository(folder / "repository")
    repository.commit({"wercker.yml": PIPELINES})
    with machine(folder) as found:
        found.admin = seed(found.data, found.url, str(repository.folder))
        found.start()
        yield found


class Chromium(NamedTuple):
    """A browser, and the only thread that may speak with it: tests run loops in theirs."""

    thread: ThreadPoolExecutor
    context: BrowserContext

    def do(self, work: Callable[[BrowserContext], None]) -> None:
        self.thread.submit(work, self.context).result()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """The machine's Chromium; skip without one, but fail in CI."""
    # Both are the same browser; the one without windows takes less.
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if path is None:
        _missing("there is no chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("playwright is not installed")
    with ThreadPoolExecutor(1) as thread:
        driver = thread.submit(sync_playwright().start).result()
        launch = driver.chromium.launch
        browser = thread.submit(launch, executable_path=path, args=ARGUMENTS).result()
        # One for all tests: it keeps the pages' files, and nothing but cookies besides.
        context = thread.submit(browser.new_context, timezone_id="America/New_York").result()
        yield Chromium(thread, context)
        thread.submit(browser.close).result()
        thread.submit(driver.stop).result()


class Seen(NamedTuple):
    """A page, and what the browser said in its console meanwhile."""

    page: Page
    machine: Machine
    said: list[str]

    def go(self, path: str) -> None:
        """Open a page and wait until it is there."""
        self.page.goto(self.machine.url + path)
        self.settle()

    def settle(self) -> None:
        self.page.wait_for_selector("h1")

    def enter(self) -> None:
        """Begin a session as the admin, without the form."""
        answer = self.page.request.post(
            f"{self.machine.url}/api/v1/login/token", data={"token": self.machine.admin}
        )
        assert answer.ok, answer.text()


Test = Callable[[Seen], None]


def on_page(test: Test) -> Callable[[Machine, Chromium], None]:
    """Make a test of what a page does for somebody whom the server does not know yet.

    No page may break the policy it came with, or stumble.
    """

    def run(pages: Machine, chromium: Chromium) -> None:
        said: list[str] = []

        def look(context: BrowserContext) -> None:
            context.clear_cookies()
            context.set_default_timeout(SECONDS * 1000)
            page = context.new_page()
            page.on("console", lambda message: said.append(message.text))
            page.on("pageerror", lambda error: said.append(f"error: {error}"))
            try:
                test(Seen(page, pages, said))
            finally:
                page.close()

        chromium.do(look)
        # That somebody may not come in is no mistake of a page.
        assert [each for each in said if not each.startswith("Failed to load resource")] == []

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
