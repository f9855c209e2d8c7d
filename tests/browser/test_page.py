# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report's page in a real browser: it can be read everywhere, loads nothing, and runs nothing.

E(CHROMIUM) is the path of Chromium. What it has shown is left in tests/output/report, for people to look at.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import os
import re
import typing as t
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from ansible_collections.community.immuta.plugins.module_utils._sql.split import split
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import claims, page
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import REPORT
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import report as evidence
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.origin import Origin
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration import situations

ROOT = Path(__file__).parents[2]
OUTPUT = ROOT / "tests" / "output" / "report"
ORIGIN = Origin(
    by={"user": "deployer", "sudo_user": None, "controller": "controller", "automation": None},
    host="localhost",
    versions={"community.immuta": "0.1.0", "ansible-core": "2.21.0"},
)
# As root there is no sandbox; the others keep it from calling home.
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]
# What would run, load, or break the page, if it were not escaped; and a name without a place to break it.
HOSTILE = "</title><script>document.title='run'</script><img src=x onerror=alert(1)> \"'&amp; {{ 7 * 7 }} \u202e txt"
OBJECT = "<b onclick=alert(1)>{% raw %}" + "LONG_NAME_" * 12
# Who has looked, before and after.
LOOKER = {"account": "A", "user": "U", "role": "ADMIN"}
AFTER: list[dict[str, t.Any]] = [
    {
        **situations.OBJECTS[0],
        "present": False,
        "how": f"SHOW DATABASES LIKE '{OBJECT}'",
        "query_id": "01b2-after",
        "roles": ["ADMIN"],
    },
    {**situations.OBJECTS[2], "present": None, "how": "Not authorized.", "query_id": None},
]
STATUSES = ("completed", "already_done", "planned", "handed_off", "unknown", "failed")
WIDTHS = (1280, 390, 320)

# The contrast of each text with what is behind it: the worst, with its text.
CONTRAST = """() => {
  const numbers = color => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(one => one / 255)
    .map(one => one <= 0.03928 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, index) => sum + one * [0.2126, 0.7152, 0.0722][index], 0);
  const behind = element => {
    for (let one = element; one; one = one.parentElement) {
      const color = numbers(getComputedStyle(one).backgroundColor);
      if (color.length < 4 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let worst = [21, ''];
  for (let text = texts.nextNode(); text; text = texts.nextNode()) {
    if (!text.data.trim()) continue;
    const [one, other] = [numbers(getComputedStyle(text.parentElement).color), behind(text.parentElement)].map(light);
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < worst[0]) worst = [ratio, text.data.trim()];
  }
  return worst;
}"""


@dataclasses.dataclass
class Opened:
    """A page, and what came of opening it."""

    page: Page
    asked: list[str]
    said: list[str]


class Viewer:
    """Opens pages."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @contextlib.contextmanager
    def __call__(
        self, file: Path, width: int = 1280, scheme: t.Literal["light", "dark"] = "light"
    ) -> t.Iterator[Opened]:
        """Open one; it must load nothing and complain of nothing."""
        with contextlib.closing(
            self._browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        ) as context:
            opened = Opened(context.new_page(), [], [])
            opened.page.on("request", lambda request: opened.asked.append(request.url))
            opened.page.on("console", lambda message: opened.said.append(message.text))
            opened.page.on("pageerror", lambda error: opened.said.append(str(error)))
            opened.page.on("dialog", lambda dialog: opened.said.append(dialog.message))
            opened.page.goto(file.as_uri())
            yield opened
            assert opened.asked == [file.as_uri()]
            assert opened.said == []


@pytest.fixture(scope="module")
def view() -> t.Iterator[Viewer]:
    """The browser."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=os.environ["CHROMIUM"], args=FLAGS)
        yield Viewer(browser)
        browser.close()


@dataclasses.dataclass
class Pages:
    """What a run has left, and what it would have been as the second one, with every outcome."""

    evidence: dict[str, t.Any]
    page: Path
    states: dict[str, Path]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Pages:
    """The page of a run, and those of what might have been."""
    OUTPUT.mkdir(parents=True, exist_ok=True)
    folder = tmp_path_factory.mktemp("pages")
    script = (ROOT / "tests" / "doubles" / "snowflake_cleanup.sql").read_text()
    statements = [one.describe() for one in split(f'{script}\nDROP DATABASE IF EXISTS "{OBJECT}";\n', "snowflake")]
    ran = [
        {**one, "status": "done", "query_id": f"01b2-{one['index']:04}", "rowcount": 1, "seconds": 0.25}
        for one in statements
    ]
    observed = Observed(
        situations.script(statements=statements, integration_status="enabled"),
        {**situations.TRIED, "session": LOOKER, "objects": [{**one, "roles": ["ADMIN"]} for one in situations.OBJECTS]},
        situations.SKIPPED,
        situations.deleted(integration_known=True),
        ran={**situations.DONE, "statements": ran, "executed": len(ran), "session": LOOKER, "objects": AFTER},
    )
    given = {"connection_key": HOSTILE, "confirm": HOSTILE}
    run = claims.run(situations.Situation(given, observed).ended, ORIGIN, [])
    report = evidence.append(REPORT, None, HOSTILE, run)
    pages = {"page": report, **{status: _outcome(report, status) for status in STATUSES}}
    for name, content in pages.items():
        (folder / f"{name}.html").write_text(page.render(content))
    return Pages(report, folder / "page.html", {status: folder / f"{status}.html" for status in STATUSES})


def _outcome(evidence: dict[str, t.Any], status: str) -> dict[str, t.Any]:
    """The evidence as if a run had failed before, and the last one had ended otherwise."""
    (run,) = evidence["runs"]
    error = {"task": "Run the script", "message": OBJECT, "code": "x", "sqlstate": "42501", "query_id": None}
    rows = [
        {**one, "status": "not_run", "query_id": None, "rowcount": None, "seconds": None} for one in run["statements"]
    ]
    failed = {**run, "status": "failed", "error": error, "statements": rows}
    last = {
        **run,
        "number": 2,
        "status": status,
        "error": error if status == "failed" else None,
        "remaining": ["Do this.", "Then that."] if status not in ("completed", "already_done") else [],
    }
    return {**evidence, "status": status, "runs": [failed, last]}


def test_says_all_that_the_evidence_says(view: Viewer, pages: Pages) -> None:
    with view(pages.page) as opened:
        page = opened.page
        text = re.sub(r"\s+", " ", page.locator("body").inner_text())
        assert page.title().startswith("Completed: </title><script>")
        assert page.locator("h1").inner_text() == HOSTILE
        (run,) = pages.evidence["runs"]
        for one in run["statements"]:
            assert one["query_id"] in text
        for one in (run["script"]["sha256"], run["plan"]["digest"], OBJECT, "26 of 26"):
            assert one in text
        assert "None" not in text
        looked = page.locator("table.looks tbody tr").all_inner_texts()
        table = [re.sub(r"\s+", " ", one).strip() for one in looked]
        assert [one.split(" How")[0] for one in table[:3]] == [
            f"Immuta connection {re.sub(chr(92) + 's+', ' ', HOSTILE)} There Gone Checked again after the deletion",
            "Immuta integration 5 Enabled Not listed Read before; checked in the list after the deletion",
            "Immuta objects below it 4 Deleted Immuta's answer",
        ]
        assert table[3].startswith(
            "DATABASE IMMUTA owner O, created 2026-01-01 There Gone Before: SHOW After: SHOW DATABASES"
        )
        assert table[3].endswith("query id 01b2-after")
        assert table[4].startswith("ROLE R Not there Not looked for")
        assert table[5].startswith("SCHEMA S Not seen Not visible")
        assert table[5].endswith("After: Not authorized.")
    with view(pages.states["failed"]) as opened:
        # Each run that did something in full, with its own statements.
        assert opened.page.locator("article").count() == 2
        assert opened.page.locator("table.statements tbody tr").count() == 2 * len(run["statements"])


def test_runs_and_loads_nothing_that_a_name_holds(view: Viewer, pages: Pages) -> None:
    with view(pages.page) as opened:
        assert opened.page.locator("script, img, iframe, object, embed, form, input, [onclick], [onerror]").count() == 0
        assert opened.page.title() != "run"
        # Even what is put into it later may do neither.
        opened.page.evaluate(
            "() => { const one = document.createElement('script'); one.textContent = \"document.title = 'run'\";"
            " document.body.append(one); }"
        )
        assert opened.page.title() != "run"
        assert "Content Security Policy" in opened.said.pop()


@pytest.mark.parametrize("status", STATUSES)
def test_can_be_read_with_every_outcome(view: Viewer, pages: Pages, status: str) -> None:
    banners = set()
    for scheme in t.get_args(t.Literal["light", "dark"]):
        with view(pages.states[status], scheme=scheme) as opened:
            ratio, text = opened.page.evaluate(CONTRAST)
            assert ratio >= 4.5, text
            assert opened.page.locator(".banner h2").inner_text().strip()
            banners.add(opened.page.evaluate("getComputedStyle(document.querySelector('.banner')).backgroundColor"))
            opened.page.screenshot(path=OUTPUT / f"{status}-{scheme}.png", full_page=True)
    assert len(banners) == 2


@pytest.mark.parametrize("width", WIDTHS)
def test_fits_into_the_window(view: Viewer, pages: Pages, width: int) -> None:
    for file in (pages.page, pages.states["failed"]):
        with view(file, width=width) as opened:
            assert opened.page.evaluate("document.documentElement.scrollWidth") <= width
            # Nor is anything cut off; the head of a table has no place in a narrow window, where each cell has its name.
            cut = opened.page.evaluate(
                "() => [...document.querySelectorAll('body *:not(thead, thead *)')]"
                ".filter(one => one.getBoundingClientRect().right > innerWidth).map(one => one.outerHTML.slice(0, 200))"
            )
            assert cut == []
            opened.page.screenshot(path=OUTPUT / f"width-{width}.png", full_page=True)


def test_is_printed_dark_on_light_whatever_the_screen(view: Viewer, pages: Pages) -> None:
    with view(pages.page, scheme="dark") as opened:
        opened.page.emulate_media(media="print", color_scheme="dark")
        ratio, text = opened.page.evaluate(CONTRAST)
        assert ratio >= 4.5, text
        ink = opened.page.evaluate("getComputedStyle(document.body).color")
        assert max(map(int, re.findall(r"\d+", ink))) < 64
        printed = opened.page.pdf(path=OUTPUT / "printed.pdf", format="A4")
    assert printed.startswith(b"%PDF-")
    assert 2 <= len(re.findall(rb"/Type\s*/Page\b", printed)) <= 5


def test_the_first_sheet_has_what_an_auditor_needs(view: Viewer, pages: Pages) -> None:
    """Verdict and summary end before the first sheet of A4 does, whose margins are 15 mm."""
    with view(pages.page) as opened:
        opened.page.emulate_media(media="print")
        opened.page.set_viewport_size({"width": 680, "height": 1009})
        ends = opened.page.evaluate(
            "['#status', '.summary', '.changes'].map(one => document.querySelector(one).getBoundingClientRect().bottom)"
        )
        assert 0 < ends[0] < ends[1] < ends[2] < 1009
        opened.page.screenshot(path=OUTPUT / "first-sheet.png")


def test_can_be_heard(view: Viewer, pages: Pages) -> None:
    """It is built of what assistive technology knows: headings in order, tables, lists, names for what has none."""
    with view(pages.states["failed"], width=390) as opened:
        page = opened.page
        assert page.locator("html").get_attribute("lang") == "en"
        levels = [
            int(one) for one in page.evaluate("[...document.querySelectorAll('h1,h2,h3')].map(h => h.tagName[1])")
        ]
        assert levels[0] == 1 and levels.count(1) == 1
        assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
        ids = page.evaluate("[...document.querySelectorAll('[id]')].map(one => one.id)")
        assert len(ids) == len(set(ids))
        named = page.evaluate(
            "[...document.querySelectorAll('[aria-labelledby]')].map(o => o.getAttribute('aria-labelledby'))"
        )
        assert set(named) <= set(ids)
        assert set(page.evaluate("[...document.querySelectorAll('a')].map(one => one.hash.slice(1))")) <= set(ids)
        # Also where a narrow window has its cells below each other.
        rows = len(pages.evidence["runs"][-1]["statements"])
        assert page.get_by_role("table").nth(2).get_by_role("row").count() == rows + 1
        # What a colour says, a word says too.
        assert (
            page.locator(".badge, .outcome").evaluate_all("all => all.filter(one => !one.innerText.trim()).length") == 0
        )
