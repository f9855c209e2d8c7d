# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report as a page."""

from __future__ import annotations

import dataclasses
import html.parser
import re
import typing as t

import jinja2
import pytest

from ansible_collections.community.immuta.plugins.plugin_utils._deregistration import approval, claims, page
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.outcome import Observed
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import REPORT
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import page as pages
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import report as evidence
from ansible_collections.community.immuta.tests.unit.plugins.plugin_utils._deregistration.situations import (
    DIGEST,
    GO,
    HERE,
    PARTIAL,
    RECORDED,
    SHA,
    SITUATIONS,
    SKIPPED,
    Situation,
    gone,
)

HOSTILE = "<script src=//evil.example/x>alert(1)</script>\"'><img src=x onerror=a()> {{ 7 * 7 }} {% x %} \u202e"


def report(*situations: Situation, key: str = "k") -> evidence.Report:
    found: evidence.Report | None = None
    for situation in situations:
        found = evidence.append(REPORT, found, key, claims.run(situation.ended, HERE, found["runs"] if found else []))
    assert found
    return found


class Page(html.parser.HTMLParser):
    """What a browser would make of it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def hostile(value: t.Any, key: str = "") -> t.Any:
    """Every string but those that choose a colour or a time, made hostile."""
    if isinstance(value, dict):
        return {name: hostile(field, name) for name, field in value.items()}
    if isinstance(value, list):
        return [hostile(item, key) for item in value]
    known = ("status", "state", "outcome", "started", "ended", "report")
    return HOSTILE if isinstance(value, str) and key not in known else value


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("planned, pinned", "Planned"),
        ("completed", "Completed"),
        ("already done", "Completed"),
        ("handed off", "Handed off"),
        ("lost", "Unknown"),
        ("a statement failed", "Failed"),
    ],
)
def test_each_status_has_its_title(name: str, title: str) -> None:
    assert f"<title>{title}: k &ndash;" in page.render(report(SITUATIONS[name]))


@pytest.mark.parametrize("name", SITUATIONS)
def test_each_end_is_a_page_with_all_that_remains(name: str) -> None:
    content = report(SITUATIONS[name])
    text = Page(page.render(content)).text
    last = content["runs"][-1]
    said = [
        *last["remaining"],
        *(claim["how"] for claim in last["verified"]),
        *(step["detail"] for step in last["steps"]),
    ]
    assert [sentence for sentence in said if sentence not in text] == []
    assert ("Nothing remains to be done by hand." in text) is not bool(last["remaining"])


@pytest.mark.parametrize(
    ("names", "tone", "title"),
    [
        (["completed"], "good", "Completed"),
        (["completed", "already done"], "good", "Completed"),
        (["planned, pinned"], "note", "Planned"),
        (["a statement failed"], "bad", "Failed"),
        (["lost"], "care", "Unknown"),
        # What a person has said is no proof, nor is it one after a rerun.
        # Nor is a script that was regenerated the one that Immuta had.
        (["regenerated"], "care", "Completed"),
        (["stated"], "care", "Completed, in part only stated"),
        (["own tasks"], "care", "Completed, in part only stated"),
        (["stated", "already done, stated"], "care", "Completed, in part only stated"),
    ],
)
def test_the_banner_is_green_only_if_all_was_seen(names: list[str], tone: str, title: str) -> None:
    text = page.render(report(*(SITUATIONS[name] for name in names)))
    assert re.findall(r'<section class="banner (\w+)".*?<h2 id="status">(.*?)</h2>', text, re.DOTALL) == [(tone, title)]


def test_a_statement_that_is_only_stated_is_amber() -> None:
    text = page.render(report(SITUATIONS["stated"]))
    assert len(re.findall(r'<span class="badge care">[^S]*?</svg>Stated</span>', text)) == 4
    assert '<div class="tile care"><dt>Stated or left out</dt><dd>3</dd>' in text
    assert "tile care" not in page.render(report(SITUATIONS["completed"]))


def test_digests_are_set_in_the_font_of_code() -> None:
    text = page.render(report(SITUATIONS["completed, pinned"]))
    assert f'<bdi class="code">{DIGEST}</bdi>' in text
    assert f'<dd class="code"><bdi>{SHA}</bdi></dd>' in text


def test_a_login_is_called_a_login() -> None:
    text = Page(page.render(report(SITUATIONS["completed"], SITUATIONS["already done"]))).text
    assert "Run byuLogin on the controller c." in text
    assert re.findall(r"login\s+u", text) == ["login u"] * 2


def test_a_regenerated_script_is_marked() -> None:
    shown = page.render(report(SITUATIONS["regenerated"]))
    mark = re.compile(r'<dt>Origin of the script</dt><dd>\s*<span class="badge care">.*?Regenerated</span>', re.DOTALL)
    assert mark.search(shown)
    assert not mark.search(page.render(report(SITUATIONS["completed"])))


def test_a_statement_says_whom_it_gives_what() -> None:
    found = report(SITUATIONS["completed"])
    row = found["runs"][0]["statements"][0]
    row.update(
        verb="REVOKE", object="TABLE", name="A.B", grantee="ROLE R", privileges="SELECT, INSERT", action="CASCADE"
    )
    shown = " ".join(Page(page.render(found)).text.split())
    assert "REVOKE SELECT, INSERT ON TABLE A.B FROM ROLE R CASCADE" in shown


def test_what_has_run_is_counted_apart_from_what_was_stated() -> None:
    observed = Observed(gone(execution=PARTIAL), {}, SKIPPED, SKIPPED, recorded=RECORDED)
    text = Page(page.render(report(Situation(GO, observed)))).text
    assert re.findall(r"Statements run\s*1 of 3|Stated or left out\s*2", text) == [
        "Statements run1 of 3",
        "Stated or left out2",
    ]


def test_a_claim_leads_to_the_run_that_knows_and_that_run_is_shown() -> None:
    text = page.render(report(SITUATIONS["completed, pinned"], *[SITUATIONS["already done"]] * 2))
    (claims_,) = re.findall(r'<ul class="claims">.*?</ul>', text, re.DOTALL)
    assert re.findall(r'<a href="#run-(\d)">', claims_) == ["1", "1", "1"]
    assert re.findall(r'<h2 id="run-(\d)">', text) == ["3", "1"]


ENTRY = {"connection_key": "k", "plan_digest": DIGEST, "script_sha256": SHA}
APPROVED = {"plan": {"format": 2, "connections": [ENTRY]}, "approved": approval.digest([ENTRY])}


@pytest.mark.parametrize(
    ("given", "automation", "words", "absent"),
    [
        ({}, None, ["ConfirmedNo", "The removal was not confirmed."], ["Approved plan"]),
        (GO, None, ["ConfirmedBy the name of the connection", "No plan was approved."], ["Approved plan"]),
        (
            APPROVED,
            None,
            [
                *("ConfirmedBy the digest of an approved plan", f"Approved plan{APPROVED['approved']}"),
                *(
                    f"Approved plan (digest){APPROVED['approved']}",
                    "Approved byNot recorded. The login u gave the digest.",
                ),
            ],
            ["By the name"],
        ),
        (
            APPROVED,
            {**dict.fromkeys(("name", "workflow", "user", "revision")), "system": "AWX", "job": 7},
            ["Approved byNot recorded. See AWX job 7."],
            ["u gave the digest"],
        ),
    ],
    ids=["not confirmed", "by name", "by plan", "by plan, in a job"],
)
def test_how_it_was_confirmed_and_who_may_have_approved_it(
    given: dict[str, t.Any], automation: dict[str, t.Any] | None, words: list[str], absent: list[str]
) -> None:
    content = report(Situation(given, SITUATIONS["completed"].observed))
    content["runs"][0]["by"]["automation"] = automation
    text = Page(page.render(content)).text
    assert [word for word in words if word not in text] == []
    assert [word for word in absent if word in text] == []


@pytest.mark.parametrize("name", SITUATIONS)
def test_a_report_of_an_older_version_is_shown_and_continued(name: str) -> None:
    content = report(SITUATIONS[name])
    (older,) = content["runs"]
    del older["confirmed_by"], older["reason"], older["approved"]["plan"]
    older["confirmed"] = True
    for claim in older["verified"]:
        del claim["run"]
    found = page.render(content)
    assert 'href="#run-' not in found
    later = claims.run(SITUATIONS["already done"].ended, HERE, content["runs"])
    assert "#run-1" in page.render(evidence.append(REPORT, content, "k", later))


def test_all_runs_are_in_a_table() -> None:
    text = page.render(report(*SITUATIONS.values()))
    assert text.count('data-name="Outcome"') == len(SITUATIONS)


JOB = dict.fromkeys(("system", "job", "name", "workflow", "user", "revision"), HOSTILE)


@pytest.mark.parametrize("automation", [None, JOB], ids=["by hand", "job"])
@pytest.mark.parametrize("name", ["completed", "a statement failed", "handed off", "planned, pinned", "no script"])
def test_what_is_other_peoples_stays_text(name: str, automation: dict[str, str] | None) -> None:
    content = hostile(report(SITUATIONS["completed"], SITUATIONS[name]))
    for run in content["runs"]:
        run["by"]["automation"] = automation
    found = Page(page.render(content))
    assert HOSTILE in found.text
    assert "49" not in found.text.replace(HOSTILE, "")
    assert not {"script", "img", "iframe", "object", "embed"} & {tag for tag, _attributes in found.tags}
    assert not [name for _tag, attributes in found.tags for name in attributes if name.startswith("on")]


def test_nothing_is_loaded() -> None:
    text = page.render(report(*SITUATIONS.values()))
    found = Page(text)
    links = [attributes[name] for _tag, attributes in found.tags for name in ("src", "href") if name in attributes]
    assert {str(link)[0] for link in links if link != "data:,"} == {"#"}
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in next(
        str(attributes["content"]) for _tag, attributes in found.tags if "http-equiv" in attributes
    )


def test_the_words_of_immuta_are_shown_as_they_are() -> None:
    content = report(SITUATIONS["completed"])
    content["runs"][0]["immuta"][1].update(before="editError", after="not listed")
    text = page.render(content)
    assert (text.count("<bdi>editError</bdi>"), text.count("<bdi>Not listed</bdi>")) == (2, 2)


def test_a_field_that_is_missing_is_an_error() -> None:
    content = report(Situation(GO, dataclasses.replace(SITUATIONS["completed"].observed, script=gone())))
    del content["runs"][0]["verified"]
    with pytest.raises(jinja2.UndefinedError, match="verified"):
        page.render(content)


@pytest.mark.parametrize(
    ("status", "states", "expected"),
    [
        ("completed", ["verified"], ("completed", False, "good")),
        ("already_done", ["verified"], ("completed", False, "good")),
        ("completed", ["verified", "stated"], ("completed", True, "care")),
        ("completed", ["verified", "not_verified"], ("completed", False, "care")),
        ("planned", ["not_verified", "stated"], ("planned", False, "note")),
        ("failed", ["stated"], ("failed", False, "bad")),
        ("handed_off", ["not_verified"], ("handed_off", False, "care")),
        ("unknown", [], ("unknown", False, "care")),
    ],
)
def test_verdict(status: str, states: list[str], expected: tuple[str, bool, str]) -> None:
    runs = [{"status": "failed", "verified": []}, {"status": status, "verified": [{"state": one} for one in states]}]
    found = pages.verdict(page.WORDING, {"runs": runs})
    assert (found["status"], found["on_word"], found["tone"]) == expected
