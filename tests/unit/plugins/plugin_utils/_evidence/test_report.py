# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a connection: read, continued, and written whole or not at all."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import re
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.module_utils import _files, _utc
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import report as evidence
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import Claim, Kind, Run, Step

KIND = Kind("some.role", "immuta_some_report_dir")
GOOD = {"report": KIND.role, "format": 1, "connection_key": "k", "status": "planned", "runs": []}
RUN = Run(
    **{
        **dict.fromkeys((field.name for field in dataclasses.fields(Run)), None),
        "number": 2,
        "status": "completed",
        "steps": [Step("Delete", "done", True, None, None, None, "")],
        "verified": [Claim("It is gone", "verified", "Read.", 1)],
    }  # type: ignore[arg-type]
)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("", id="empty"),
        pytest.param("no JSON", id="not JSON"),
        pytest.param(json.dumps(GOOD)[:-1], id="damaged"),
        pytest.param(b"\xff\xfe", id="not UTF-8"),
        pytest.param("[]", id="a list"),
        pytest.param("null", id="null"),
        pytest.param("{}", id="other JSON"),
        pytest.param(json.dumps({**GOOD, "report": "other"}), id="another kind"),
        pytest.param(json.dumps({**GOOD, "format": 2}), id="another format"),
        pytest.param(json.dumps({**GOOD, "format": "1"}), id="the format as a string"),
        pytest.param(json.dumps({**GOOD, "runs": {}}), id="runs are no list"),
        pytest.param(json.dumps({name: value for name, value in GOOD.items() if name != "runs"}), id="no runs"),
    ],
)
def test_what_is_no_report_is_refused(tmp_path: Path, content: str | bytes) -> None:
    file = tmp_path / "k.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(evidence.NotAReport) as caught:
        evidence.read(KIND, str(file))
    assert caught.value.args == (str(file),)


@pytest.mark.parametrize("indent", [None, 2, 4])
def test_a_report_of_this_format_is_read(tmp_path: Path, indent: int | None) -> None:
    file = tmp_path / "k.json"
    file.write_text(json.dumps({**GOOD, "runs": [{"number": 1}], "more": "ö"}, indent=indent), encoding="utf-8")
    assert evidence.read(KIND, str(file)) == {**GOOD, "runs": [{"number": 1}], "more": "ö"}


def test_no_report_is_none_and_what_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    assert evidence.read(KIND, str(tmp_path / "k.json")) is None
    with pytest.raises(_files.NotRegular):
        evidence.read(KIND, str(tmp_path))


@pytest.mark.parametrize(
    ("before", "numbers"),
    [
        pytest.param(None, [2], id="a new one"),
        pytest.param(GOOD, [2], id="without runs"),
        pytest.param({**GOOD, "runs": [{"number": 1, "status": "planned"}]}, [1, 2], id="continued"),
    ],
)
def test_append(before: dict[str, t.Any] | None, numbers: list[int]) -> None:
    kept = json.dumps(before)
    report = evidence.append(KIND, before, "k", RUN)
    assert {**report, "runs": []} == {**GOOD, "status": "completed"}
    assert [run["number"] for run in report["runs"]] == numbers
    assert report["runs"][-1]["verified"] == [{"claim": "It is gone", "state": "verified", "how": "Read.", "run": 1}]
    assert json.dumps(before) == kept


def test_write_and_read_again(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    report = evidence.append(KIND, None, "pröd", RUN)
    digest = evidence.write(str(folder), "p", report, "<p>ö")
    assert digest == hashlib.sha256((folder / "p.json").read_bytes()).hexdigest()
    assert evidence.read(KIND, evidence.path(str(folder), "p")) == report
    assert "pröd" in (folder / "p.json").read_text(encoding="utf-8")
    assert (folder / "p.html").read_text(encoding="utf-8") == "<p>ö"
    assert sorted(os.listdir(folder)) == ["p.html", "p.json"]
    assert [(folder / name).stat().st_mode & 0o777 for name in ("p.json", "p.html")] == [0o600, 0o600]
    assert folder.stat().st_mode & 0o777 == 0o700


V, S, N = "verified", "stated", "not_verified"


def before(**known: tuple[str, int | None]) -> dict[str, t.Any]:
    """The run before: what it claims, with the state and the number of the run that knows."""
    rows = [{"claim": claim, "state": state, "how": f"as {run}", "run": run} for claim, (state, run) in known.items()]
    return {"number": 3, "verified": rows}


DONE = before(kept=(V, 2), gone=(V, 1), approved=(V, 1), ran=(V, 2))
STARTED = before(kept=(V, 1), gone=(V, 1), approved=(V, 1), ran=(N, 1))
UNKNOWN, THIS, AGAIN = None, evidence.THIS, evidence.AGAIN


# Each row: the run before, what this run claims, and what the report has then.
@pytest.mark.parametrize(
    ("last", "own", "expected"),
    [
        pytest.param(
            None, {"gone": (V, AGAIN), "ran": (N, UNKNOWN)}, {"gone": (V, 4), "ran": (N, UNKNOWN)}, id="first"
        ),
        pytest.param(
            DONE,
            {"gone": (N, UNKNOWN), "ran": (N, UNKNOWN)},
            {"gone": (V, 1), "ran": (V, 2), "kept": (V, 2), "approved": (V, 1)},
            id="could not tell",
        ),
        pytest.param(
            DONE,
            {"kept": (V, THIS), "gone": (V, AGAIN), "ran": (V, AGAIN)},
            {"kept": (V, 4), "gone": (V, 1), "ran": (V, 2), "approved": (V, 1)},
            id="has looked again",
        ),
        pytest.param(
            STARTED,
            {"gone": (V, AGAIN), "approved": (N, UNKNOWN), "ran": (V, THIS)},
            {"gone": (V, 1), "approved": (V, 1), "ran": (V, 4), "kept": (V, 1)},
            id="has finished",
        ),
        pytest.param(
            STARTED,
            {"gone": (N, THIS), "ran": (S, AGAIN)},
            {"gone": (N, 4), "ran": (S, 4), "kept": (V, 1), "approved": (V, 1)},
            id="knows otherwise",
        ),
        pytest.param(
            before(gone=(N, UNKNOWN), ran=(N, UNKNOWN)), {"gone": (N, UNKNOWN)}, {"gone": (N, UNKNOWN)}, id="none"
        ),
    ],
)
def test_a_run_keeps_what_earlier_ones_knew(
    last: dict[str, t.Any] | None,
    own: dict[str, tuple[t.Any, int | None]],
    expected: dict[str, tuple[str, int | None]],
) -> None:
    claims = [Claim(claim, state, "own", run) for claim, (state, run) in own.items()]
    found = evidence.carried(claims, 4, last)
    assert {one.claim: (one.state, one.run) for one in found} == expected
    # The words are those of the run that knows.
    assert [one.how for one in found] == [f"as {one.run}" if one.run in (1, 2) else "own" for one in found]


def test_an_older_report_does_not_say_which_run_knows() -> None:
    last = {"number": 7, "verified": [{"claim": "gone", "state": V, "how": "Read."}]}
    assert evidence.carried([], 8, last) == [Claim("gone", "verified", "Read.", 7)]


@pytest.mark.parametrize(
    ("tenants", "tenant", "foreign"),
    [
        ([], "https://b", False),
        (["https://a"], "https://a", False),
        (["https://a"], "https://A/", False),
        (["https://a"], None, False),
        ([None, ""], "https://b", False),
        (["https://a"], "https://b", True),
        ([None, "https://a"], "https://b", True),
        (["https://b", "https://a"], "https://b", True),
    ],
)
def test_two_tenants_never_share_a_report(tenants: list[str | None], tenant: str | None, foreign: bool) -> None:
    report = {**GOOD, "runs": [{"tenant": one} for one in tenants]}
    # A run that has found no connection there says nothing.
    nothing = {"kind": "connection", "before": None, "after": None}
    report["runs"] += [
        {"tenant": "https://z", "script": None, "immuta": [{**nothing, "before": one}]} for one in (None, "not there")
    ]
    assert evidence.foreign(KIND, "/r", "k", report, tenant) == (
        f"The report /r/k.json belongs to a connection of https://a, not of {tenant}. If https://a is the right one,"
        " correct the URL (url, or IMMUTA_URL). Otherwise, set immuta_some_report_dir to another folder."
        if foreign
        else ""
    )
    assert evidence.foreign(KIND, "/r", "k", None, tenant) == ""


@pytest.mark.parametrize(
    ("run", "known"),
    [
        ({"immuta": [{"kind": "connection", "before": "there", "after": None}]}, True),
        ({"immuta": [{"kind": "connection", "before": None, "after": "there"}]}, True),
        ({"immuta": [{"kind": "integration", "before": "there", "after": "there"}]}, False),
        ({"immuta": [], "script": {"sha256": "a"}}, True),
        ({"immuta": [], "script": {"sha256": None}}, False),
        ({"technology": None}, False),
        ({"technology": "Snowflake"}, True),
    ],
)
def test_a_report_is_of_the_tenant_that_has_the_connection(run: dict[str, t.Any], known: bool) -> None:
    assert evidence.tenants({**GOOD, "runs": [{"tenant": "https://a", **run}]}) == (["https://a"] if known else [])


def test_what_no_encoding_has_is_written_as_an_escape(tmp_path: Path) -> None:
    evidence.write(str(tmp_path), "p", {**GOOD, "status": "\udcff"}, "\udcff")
    assert b'"status": "\\udcff"' in (tmp_path / "p.json").read_bytes()
    assert (tmp_path / "p.html").read_bytes() == b"\\udcff"


@pytest.mark.parametrize("at", ["p.json", "p.html"])
def test_a_failure_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    evidence.write(str(tmp_path), "p", GOOD, "old")
    before = (tmp_path / at).read_bytes()
    replace = _files.replace

    def full(path: str, data: bytes, *more: t.Any) -> None:
        if path.endswith(at):
            raise OSError(28, "No space left on device", path)
        replace(path, data, *more)

    monkeypatch.setattr(_files, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        evidence.write(str(tmp_path), "p", {**GOOD, "status": "completed"}, "new")
    assert (tmp_path / at).read_bytes() == before


@pytest.mark.parametrize(
    ("folder", "name", "reason"),
    [
        ("{0}", "k", None),
        ("{0}/new/and/newer", "k", None),
        ("{0}/file", "k", "Not a directory"),
        ("{0}/file/below", "k", "Not a directory"),
        ("{0}/loose", "k", None),
        ("{0}", "x" * 250, "File name too long"),
        ("{0}", "taken", "Is a directory"),
        ("/proc/no", "k", "No such file"),
    ],
)
def test_tries_to_write_and_leaves_nothing(tmp_path: Path, folder: str, name: str, reason: str | None) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "loose").symlink_to(tmp_path / "nowhere")
    (tmp_path / "taken.html").mkdir()
    before = tmp_path.stat().st_mtime_ns
    with pytest.raises(OSError, match=reason) if reason else contextlib.nullcontext():
        evidence.try_to_write(folder.format(tmp_path), name)
    assert sorted(os.listdir(tmp_path)) == ["file", "loose", "taken.html"]
    assert tmp_path.stat().st_mtime_ns == before


@pytest.mark.parametrize("content", ["[" * 100_000, "{", "[]", "\udcff", "{}"])
def test_damage_is_no_report_and_a_pipe_is_not_waited_for(tmp_path: Path, content: str) -> None:
    file = tmp_path / "k.json"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))
    with pytest.raises(evidence.NotAReport):
        evidence.read(KIND, str(file))
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(_files.NotRegular):
        evidence.read(KIND, str(file))


@pytest.mark.parametrize(
    ("started", "ended", "seconds"),
    [
        ("2026-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z", 0.0),
        ("2026-01-01T00:00:00.250Z", "2026-01-01T00:01:00.500Z", 60.25),
        ("2026-12-31T23:59:59.999Z", "2027-01-01T00:00:00.001Z", 0.002),
        ("2026-01-01T00:00:01.000Z", "2026-01-01T00:00:00.000Z", -1.0),
    ],
)
def test_seconds_between(started: str, ended: str, seconds: float) -> None:
    assert evidence.seconds_between(started, ended) == seconds


def test_now_is_said_as_the_modules_say_it() -> None:
    moment = _utc.now_zulu()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.]\d{3}Z", moment)
    assert evidence.seconds_between(moment, _utc.now_zulu()) >= 0
