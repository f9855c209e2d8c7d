# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of one connection in its folder: whose it is, what its runs tell, and how a run adds itself."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _files
from ansible_collections.community.immuta.plugins.plugin_utils._evidence import report as reports
from ansible_collections.community.immuta.plugins.plugin_utils._evidence.report import Kind, NotAReport, Report, Run

Render = t.Callable[[Report], str]
# Seconds to wait for another run that adds itself, which takes less than one.
PATIENCE = 30.0


@dataclasses.dataclass(frozen=True)
class Kept:
    """A connection's report.

    :ivar folder: on the controller; "" if no report is asked for
    :ivar name: of both files, without their suffixes
    """

    kind: Kind
    folder: str
    name: str
    connection_key: str

    @property
    def file(self) -> str:
        """The file for programs."""
        return reports.path(self.folder, self.name)

    def read(self) -> Report | None:
        """The report; None if there is none, it can't be read, or it is of another connection: that is told elsewhere."""
        if not os.path.isabs(self.folder):
            return None
        try:
            report = reports.read(self.kind, self.file)
        except (NotAReport, OSError):
            return None
        return report if report and report.get("connection_key") == self.connection_key else None

    def history(self) -> list[dict[str, t.Any]]:
        """The runs that the report has."""
        report = self.read()
        return list(report["runs"]) if report else []

    def foreign(self, tenant: str | None) -> str:
        """An error if the report belongs to another tenant, or "". The tenant is known only now, so it is read again."""
        return reports.foreign(self.kind, self.folder, self.name, self.read(), tenant)

    def mistake(self, render: Render) -> t.Iterator[str]:
        """Tell why the report can't be written or continued, before any request."""
        if not self.folder:
            return
        other = f"Set {self.kind.variable} to another folder."
        if not os.path.isabs(self.folder):
            yield f'{self.kind.variable} is "{self.folder}". Set it to an absolute path on the controller.'
            return
        try:
            reports.try_to_write(self.folder, self.name)
            report = reports.read(self.kind, self.file)
        except NotAReport:
            yield f"The file {self.file} is not a report of this role. Move it away, or s{other[1:]}"
        except _files.NotOwn as error:
            yield f"The report {self.file} can't be trusted: {error.strerror}. {_files.MAKE_OWN} Or s{other[1:]}"
        except OSError as error:
            yield f"The report {self.file} can't be written on the controller: {error.strerror}. {other}"
        else:
            if report and report.get("connection_key", self.connection_key) != self.connection_key:
                key = report["connection_key"]
                yield f'The file {self.file} is the report of the connection "{key}". Move it away, or s{other[1:]}'
            if report and report["runs"] and not _can_be_shown(report, render):
                yield f"The report {self.file} is damaged. Move it away, or s{other[1:]}"

    def add(
        self, tenant: str | None, run: t.Callable[[list[dict[str, t.Any]]], Run], render: Render
    ) -> tuple[str, str]:
        """Add a run, after any other one that adds itself at the same time.

        :param run: makes it, from the runs before it
        :returns: the sha256 of the JSON file, or "", and what has prevented it, or ""
        """
        try:
            # From reading to writing, since another run that adds itself meanwhile would be lost.
            with _files.reserved(self.file, patience=PATIENCE):
                return self._add(tenant, run, render)
        except BlockingIOError:
            return "", f"The report could not be written: another run is writing it ({self.file})."
        except NotAReport:
            return "", f"The report could not be written: it is not a report of this role ({self.file})."
        except OSError as error:
            return "", f"The report could not be written: {error.strerror} ({error.filename})."

    def _add(
        self, tenant: str | None, run: t.Callable[[list[dict[str, t.Any]]], Run], render: Render
    ) -> tuple[str, str]:
        before = reports.read(self.kind, self.file)
        if foreign := reports.foreign(self.kind, self.folder, self.name, before, tenant):
            return "", foreign
        if before and before.get("connection_key", self.connection_key) != self.connection_key:
            return "", f"The report could not be written: it belongs to another connection ({self.file})."
        report = reports.append(self.kind, before, self.connection_key, run(before["runs"] if before else []))
        return reports.write(self.folder, self.name, report, render(report)), ""

    def paths(self) -> dict[str, str]:
        """The paths of both files, by their suffixes."""
        return {suffix: f"{self.folder}/{self.name}.{suffix}" for suffix in ("json", "html")}


def said(written: t.Mapping[str, str] | None, unwritten: str = "") -> list[str]:
    """The line with the paths and the digest of a report that was written; none if no report is asked for.

    :param unwritten: what has prevented it
    """
    if unwritten:
        return [f"Report: NOT WRITTEN. {unwritten}"]
    if not written:
        return []
    return [f"Report: {written['html']} (sha256 of {written['json']}: {written['sha256']})"]


def _can_be_shown(report: Report, render: Render) -> bool:
    try:
        render(report)
    except Exception:
        return False
    return True
