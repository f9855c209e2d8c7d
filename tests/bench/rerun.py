# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's rerun on a finished connection, beside that of an earlier commit, which is taken out of this repository.

Both run in turns against the same kind of stand-ins, with and without a report, and beside them a play that does nothing: less
than Ansible's own start can't be reached. What counts is CPU seconds, the median of several runs. Leaves with 1 when a target is
missed.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from ansible_collections.community.immuta.tests.bench import plays

ROOT = Path(__file__).resolve().parents[2]
THEN = "db7d73f"
# The most that it may take, in parts of what it took then.
TARGET = 0.55
ROUNDS = 5


def collection_of(commit: str, base: Path) -> Path:
    """A collections path with the collection as it was."""
    place = base / "ansible_collections" / "community" / "immuta"
    place.mkdir(parents=True)
    archive = subprocess.run(["git", "archive", commit], cwd=ROOT, capture_output=True, check=False)
    if archive.returncode:
        sys.exit(
            f"Commit {commit}, which this is measured against, is not in this clone. Fetch it: git fetch --unshallow"
        )
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(place, filter="data")
    return base


class Finished:
    """A connection that is out of service already, and the role of some collection to run on it again."""

    def __init__(self, folder: Path, collections: str, report: bool, stack: contextlib.ExitStack) -> None:
        folder.mkdir()
        self.folder, self.collections = folder, collections
        self.immuta, self.platform = stack.enter_context(plays.tenant(1)), stack.enter_context(plays.account(1))
        given = {"connection_key": "connection 1", "confirm": "connection 1", "script_dir": f"{folder}/scripts"}
        if report:
            given["report_dir"] = f"{folder}/report"
        local = {"ansible_python_interpreter": sys.executable}
        role = {"role": "community.immuta.deregister_connection"}
        variables = {**local, **{f"immuta_deregister_{name}": value for name, value in given.items()}}
        site = [{"hosts": "localhost", "gather_facts": False, "vars": variables, "roles": [role]}]
        (folder / "site.yml").write_text(json.dumps(site))
        nothing = [{"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": "-"}}]}]
        (folder / "nothing.yml").write_text(json.dumps(nothing))
        self.run()
        assert not self.immuta.state.connections
        assert len(list((folder / "report").glob("*"))) == (2 if report else 0)

    def run(self, playbook: str = "site.yml") -> float:
        """CPU seconds of the role, or of another playbook."""
        environment = {"ANSIBLE_COLLECTIONS_PATH": self.collections, "ANSIBLE_LOCALHOST_WARNING": "false"}
        return plays.play(self.folder, self.immuta, self.platform, [playbook], **environment).computed


def main() -> None:
    """Measure, print, and judge."""
    missed = False
    with tempfile.TemporaryDirectory() as base, contextlib.ExitStack() as stack:
        paths = {"then": str(collection_of(THEN, Path(base) / "then")), "now": os.environ["ANSIBLE_COLLECTIONS_PATH"]}
        print(f"{'rerun, CPU s':<16} {THEN:>8} {'now':>8} {'ratio':>7} {'target':>7} {'nothing':>8}", flush=True)
        for report in (False, True):
            name = "with report" if report else "without report"
            runs = {when: Finished(Path(base) / f"{when} {name}", paths[when], report, stack) for when in paths}
            taken: dict[str, list[float]] = {when: [] for when in (*runs, "nothing")}
            for _round in range(ROUNDS):
                for when, one in runs.items():
                    taken[when].append(one.run())
                taken["nothing"].append(runs["now"].run("nothing.yml"))
            then, now, nothing = (statistics.median(taken[when]) for when in ("then", "now", "nothing"))
            ratios = f"{now / then:>7.2f} {TARGET:>7.2f} {nothing / then:>8.2f}"
            print(f"{name:<16} {then:>8.2f} {now:>8.2f} {ratios}", flush=True)
            missed |= now / then > TARGET
    if missed:
        sys.exit("missed: a rerun takes longer than its target")


if __name__ == "__main__":
    main()
