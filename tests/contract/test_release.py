# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a release says of itself is true: since when something is there, what is built, and what it takes over from the last one."""

from __future__ import annotations

import fnmatch
import functools
import json
import re
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script
from ansible_collections.community.immuta.plugins.module_utils._sql import journal, split

ROOT = Path(__file__).parents[2]
NAME = "community.immuta"
GALAXY = yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))
RELEASES = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text("utf-8"))["releases"]
KEPT = Path(__file__).parent / "released"
GUIDE = (ROOT / "docs/docsite/rst/guide_install.rst").read_text("utf-8")
ROLE = ROOT / "roles/deregister_connection/meta/argument_specs.yml"
FILES = {
    "module": sorted(one.stem for one in (ROOT / "plugins/modules").glob("*.py")),
    "inventory": sorted(one.stem for one in (ROOT / "plugins/inventory").glob("*.py")),
    "lookup": sorted(one.stem for one in (ROOT / "plugins/lookup").glob("*.py")),
}


def version(text: str) -> tuple[int, ...]:
    """A version to compare with others."""
    return tuple(map(int, str(text).split(".")))


@functools.cache
def documented() -> dict[str, dict[str, t.Any]]:
    """Of each plugin and role: since when it is there, and its options and results with theirs."""
    found: dict[str, dict[str, t.Any]] = {}
    for kind, names in FILES.items():
        command = ["ansible-doc", "--json", "-t", kind, *(f"{NAME}.{one}" for one in names)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        for name, about in json.loads(done.stdout).items():
            found[name.rpartition(".")[2]] = {
                "since": about["doc"]["version_added"],
                "options": about["doc"].get("options") or {},
                "returns": about.get("return") or {},
            }
    main = yaml.safe_load(ROLE.read_text("utf-8"))["argument_specs"]["main"]
    found["deregister_connection"] = {"since": main["version_added"], "options": main["options"], "returns": {}}
    return found


def released() -> dict[str, dict[str, dict[str, list[str]]]]:
    """Options and results of each release, from the first one."""
    folders = sorted(KEPT.iterdir(), key=lambda one: version(one.name))
    return {one.name: json.loads((one / "options.json").read_text("utf-8")) for one in folders}


def first_release(name: str, kind: str | None = None, what: str = "") -> str:
    """The release that brought a plugin, or one of its options or results; the coming one if none did."""
    for release, contents in released().items():
        if name in contents and (kind is None or what in contents[name].get(kind, [])):
            return release
    return str(GALAXY["version"])


def test_every_release_of_the_changelog_is_kept() -> None:
    assert sorted(released()) == sorted(RELEASES)
    for release, about in RELEASES.items():
        of_changelog = {one["name"] for one in about.get("modules", [])}
        of_changelog |= {one["name"] for group in about.get("objects", {}).values() for one in group}
        new = {name for name in released()[release] if first_release(name) == release}
        assert new == of_changelog


def test_the_version_is_after_the_last_release() -> None:
    assert version(GALAXY["version"]) > max(map(version, RELEASES))


@pytest.mark.parametrize("name", [*(one for names in FILES.values() for one in names), "deregister_connection"])
def test_it_says_since_when_it_is_there(name: str) -> None:
    about = documented()[name]
    assert about["since"] == first_release(name)
    for kind in ("options", "returns"):
        for what, details in about[kind].items():
            since = details.get("version_added", about["since"])
            # What ansible-core's own fragments bring has no version of this collection.
            if details.get("version_added_collection", NAME) != NAME or name == "immuta_connections":
                continue
            assert max(version(since), version(about["since"])) == version(first_release(name, kind, what)), what


def test_nothing_of_a_release_is_gone() -> None:
    for release, contents in released().items():
        for name, about in contents.items():
            for kind, names in about.items():
                assert set(names) <= set(documented()[name][kind]), (release, name)


def test_what_is_shown_installs_this_version() -> None:
    texts = [GUIDE, (ROOT / "README.md").read_text("utf-8")]
    named = [one for text in texts for one in re.findall(r"community[.-]immuta[:-](\d+(?:\.\d+)+)", text)]
    requirements = yaml.safe_load(GUIDE.partition(".. code-block:: yaml\n\n")[2].partition("\n\nFor ")[0])
    assert requirements["collections"][0]["name"] == NAME
    named.append(requirements["collections"][0]["version"])
    assert set(named) == {GALAXY["version"]}
    assert len(named) == 4


def test_the_guide_tells_how_to_upgrade_from_each_release() -> None:
    for release in RELEASES:
        assert f"From {release} to " in GUIDE


@pytest.mark.parametrize("release", RELEASES)
def test_script_and_journal_of_a_release_are_read(tmp_path: Path, release: str) -> None:
    for name in ("script.sql", "script.sql.journal"):
        shutil.copyfile(KEPT / release / name, tmp_path / name)
        (tmp_path / name).chmod(0o600)
    script = saved_script.read(str(tmp_path / "script.sql"))
    assert script is not None and script.intact
    assert (script.owner.connection_key, script.owner.integration_id) == ("prod snowflake", 5)
    progress = journal.read(str(tmp_path / "script.sql.journal"))
    assert (progress.state, progress.sha256, progress.unknown) == ("partial", script.sha256, None)
    assert list(progress.done) == [1]
    assert progress.total == len(split.split(script.body, "snowflake"))
    # And the next run goes on with it.
    with journal.Journal(str(tmp_path / "script.sql.journal"), script.sha256, 3):
        pass


# What is built


@functools.cache
def built() -> set[str]:
    """The files of the checkout that the built collection holds."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this is not a checkout")
    names = [Path(one) for one in listed.stdout.splitlines()]
    return {
        str(one)
        for one in names
        if not any(
            fnmatch.fnmatch(str(above), rule) for above in (one, *one.parents) for rule in GALAXY["build_ignore"]
        )
    }


def test_no_file_that_is_built_names_one_that_is_not() -> None:
    texts = [one for one in built() if Path(one).suffix in (".md", ".rst") and not one.startswith("CHANGELOG")]
    assert len(texts) > 8
    for name in texts:
        for path in re.findall(
            r"`([\w.-]+(?:/[\w.-]+)+)/?`+(?!`| of the repository)", (ROOT / name).read_text("utf-8")
        ):
            assert not (ROOT / path).exists() or any(one == path or one.startswith(f"{path}/") for one in built()), path


def test_what_users_need_is_built_and_nothing_else() -> None:
    assert {one.partition("/")[0] for one in built()} == {
        *("changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles", "LICENSES", "REUSE.toml"),
        *("CHANGELOG.md", "CHANGELOG.rst", "CODE_OF_CONDUCT.md", "COPYING", "README.md", "SECURITY.md", "galaxy.yml"),
    }
