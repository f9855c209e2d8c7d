# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides: their links lead somewhere, and every block and command in them names what there is, with values that it takes.

What of it also runs is in tests/integration/test_documentation.py and test_pipelines.py.
"""

from __future__ import annotations

import functools
import json
import re
import shlex
import textwrap
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.community.immuta.tests.contract.test_options import (
    documented,
    of_the_playbooks,
    specified,
    taken,
)

ROOT = Path(__file__).parents[2]
RST = ROOT / "docs/docsite/rst"
GUIDES = {path.stem: path.read_text("utf-8") for path in sorted(RST.glob("*.rst"))}
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
    for path in (
        *sorted(RST.glob("*.rst")),
        *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "docs/architecture.md")),
        *sorted(ROOT.glob("roles/*/README.md")),
    )
}
OURS = "https://github.com/ansible-collections/community.immuta/"
SHELLS = ("shell", "console")
# What else the guides run, and who tries it.
PROGRAMS = {
    "ansible-builder": "the session ee",
    "ansible-galaxy": "make demo and the session galaxy",
    "ansible-inventory": "tests/integration/test_inventory.py",
    "export": "the shell",
    "git": "git itself",
    "python3": "Python itself",
    "rm": "coreutils",
    "openssl": "tests/integration/test_documentation.py makes keys of the same form",
    "pip": "the sessions",
    "sha256sum": "coreutils",
}


def slugs(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$|^(\S.*)\n[=\-^~]{3,}$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", (one or other).lower()).replace(" ", "-") for one, other in titles}


def links(text: str) -> list[str]:
    return re.findall(r"\]\(([^)\s]+)\)|(?<=<)((?:https?://|\.{0,2}/)[^>\s]+)(?=>`_)", text)


@pytest.mark.parametrize("page", PAGES)
def test_links_into_the_collection_lead_somewhere(page: str) -> None:
    for link in ("".join(pair) for pair in links(PAGES[page])):
        if not link.startswith((OURS + "blob/main/", OURS + "tree/main/")):
            # The importer of Galaxy, and readers of the site, know no files beside a page.
            assert link.startswith(("http", "#")), link
            target, anchor = page, link.partition("#")[2] if link.startswith("#") else ""
        else:
            target, _hash, anchor = link.removeprefix(OURS).split("/", 2)[2].partition("#")
        assert (ROOT / target).exists(), link
        assert not anchor or anchor in slugs((ROOT / target).read_text("utf-8")), link


@pytest.mark.parametrize("name", GUIDES)
def test_a_guide_can_be_read_on_github_and_on_the_site(name: str) -> None:
    text = GUIDES[name]
    assert f"\n.. _ansible_collections.community.immuta.docsite.{name}:\n" in text
    assert not re.search(r":(?:ref|doc):`", text), f"GitHub shows it as text: link to {OURS}blob/main/docs/docsite/rst/"
    for image in re.findall(r"\.\. image:: (\S+)", text):
        assert (RST / image).is_file(), image
    listed = yaml.safe_load((ROOT / "docs/docsite/extra-docs.yml").read_text("utf-8"))
    assert [name] == [one for section in listed["sections"] for one in section["toctree"] if one == name]
    assert f"/{name}.rst" in PAGES["README.md"]


# Blocks


def blocks(text: str, *languages: str) -> list[str]:
    """The blocks of a guide or a README in these languages."""
    words = "|".join(languages)
    found = re.findall(rf"^\.\. code-block:: (?:{words})\n\n((?: .*\n|\n)+)", f"{text}\n", re.MULTILINE)
    fenced = re.findall(rf"^```(?:{words})\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(one) for one in (*found, *fenced)]


def known(value: t.Any) -> bool:
    return "{{" not in json.dumps(value, default=str)


def complaints(spec: dict[str, t.Any], given: dict[str, t.Any], *, whole: bool = False) -> list[str]:
    """What is wrong with options; of templates only the names are looked at.

    :param whole: whether what is required has to be there
    """
    lax = {
        name: {**about, "default": None, "required": whole and about.get("required", False)}
        for name, about in spec.items()
    }
    dummy = {name: value for name, value in given.items() if known(value) or name not in spec}
    if whole:
        dummy.update({name: "x" for name in given if name not in dummy and lax[name].get("type", "str") == "str"})
    return list(ArgumentSpecValidator(lax).validate(dummy).error_messages)


def variables(given: dict[str, t.Any]) -> list[str]:
    """What is wrong with variables of the roles and the playbooks."""
    ours = {name: value for name, value in given.items() if name.startswith(("immuta_deregister_", "immuta_register_"))}
    of_playbooks = {name: {"type": "raw"} for name in of_the_playbooks()}
    return complaints({**specified(), **of_registering(), **of_playbooks}, ours)


@functools.cache
def of_registering() -> dict[str, t.Any]:
    """The variables of the role register_connection, with the suboptions of those that are handed to the module."""
    specs = yaml.safe_load((ROOT / "roles/register_connection/meta/argument_specs.yml").read_text("utf-8"))
    module = taken("immuta_connection")["argument_spec"]
    return {
        name: {**about, **{"options": module.get(name.removeprefix("immuta_register_"), {}).get("options")}}
        for name, about in specs["argument_specs"]["main"]["options"].items()
    }


def wrong(node: t.Any) -> list[str]:
    """What is wrong with what a YAML block gives to this collection, anywhere in it."""
    if isinstance(node, list):
        return [one for item in node for one in wrong(item)]
    if not isinstance(node, dict):
        return []
    if node.get("plugin") == "community.immuta.immuta_connections":
        return complaints(documented("inventory")["immuta_connections"]["options"], node)
    if set(node) & {"immuta_deregister_script", "immuta_deregister_plan"} and isinstance(
        next(iter(node.values())), dict
    ):
        return []
    found = variables(node)
    for name, value in node.items():
        group = re.fullmatch(r"group/community\.immuta\.(\w+)", str(name))
        module = re.fullmatch(r"community\.immuta\.(\w+)", str(name))
        if group:
            prefix = {"immuta": "immuta_connection", "snowflake": "snowflake_script", "databricks": "databricks_script"}
            found += complaints(taken(prefix[group[1]])["argument_spec"], value)
        elif module:
            found += complaints(taken(module[1])["argument_spec"], value or {}, whole=True)
        elif not str(name).startswith(("immuta_deregister_", "immuta_register_")):
            found += wrong(value)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_blocks_name_what_there_is(page: str) -> None:
    for block in blocks(PAGES[page], "yaml", "json"):
        # A page may show two files in one block.
        content = block.replace("[...]", "[]").replace("{...}", "{}")
        for part in re.split(r"^(?=# \S+\.yml$)", content, flags=re.MULTILINE):
            assert wrong(yaml.safe_load(part)) == [], part


@pytest.mark.parametrize(
    "block",
    [
        "immuta_deregister_missing_scrpt: warn",
        "immuta_deregister_missing_script: wran",
        "immuta_deregister_skip: [{statement: seven, sha256: a, reason: b}]",
        "- community.immuta.immuta_connection: {connection_key: a, confirmed: a}",
        "- community.immuta.snowflake_script: {path: /a, verify: sometimes}",
        "- hosts: all\n  module_defaults: {group/community.immuta.immuta: {uri: a}}",
        "- vars: {immuta_deregister_verify: ever}",
        "immuta_register_executor: by hand",
        "immuta_register_snowflake: {host: a, warehouse: a, role: a, database: a, keypair: {username: a}}",
        "plugin: community.immuta.immuta_connections\ninclude_key: [a]",
    ],
)
def test_a_mistake_in_a_block_is_seen(block: str) -> None:
    assert wrong(yaml.safe_load(block))


# Commands


def commands(text: str) -> list[list[str]]:
    """The commands of a page, as words."""
    lines = "".join(f"{one}\n" for one in blocks(text, *SHELLS)).replace("\\\n", " ")
    prompted = "$ " in lines
    found = [shlex.split(quoted, comments=True) for quoted in _statements(lines, prompted=prompted)]
    return [words for words in found if words]


def _statements(lines: str, *, prompted: bool) -> t.Iterator[str]:
    """Lines, joined where a quote is open; of a block with prompts what follows one."""
    held = ""
    for line in lines.splitlines():
        if not held and prompted and not line.startswith(("$ ", "ansible-", "export ", "pip ")):
            continue
        held += f"{line.removeprefix('$ ')}\n"
        if held.partition(" #")[0].count("'") % 2 == 0:
            yield held
            held = ""
    assert not held


@pytest.mark.parametrize("name", [*GUIDES, "README.md"])
def test_commands_name_what_there_is(name: str) -> None:
    text = GUIDES.get(name) or PAGES[name]
    for program, *words in commands(text):
        if program != "ansible-playbook":
            # What `make` can do is listed in its help.
            assert program in PROGRAMS or (
                program == "make" and f'"make {words[0]} ' in (ROOT / "Makefile").read_text()
            )
            continue
        assert require_playbook(words, text) == [], words


def require_playbook(words: list[str], page: str) -> list[str]:
    """What is wrong with the variables of a command; fail where it names what there is not."""
    extra: dict[str, t.Any] = {}
    rest = iter(words)
    for word in rest:
        if word == "-e":
            extra.update(_extra(next(rest), page))
        elif word in ("-i", "--limit", "--forks"):
            next(rest)
        elif not word.startswith("-"):
            place = re.sub(r"^community\.immuta\.(\w+)$", r"playbooks/\1.yml", word)
            place = re.sub(r"^.*/ansible_collections/community/immuta/", "", place)
            # These are the reader's own, on the same page.
            assert word in ("bulk.yml", "register.yml", "rotate.yml") or (ROOT / place).is_file(), word
        else:
            assert word in ("--check", "--flush-cache", "--list-hosts", "-v"), word
    return variables(extra)


def _extra(text: str, page: str) -> dict[str, t.Any]:
    if text.startswith("@"):
        assert text[1:] in page or text == "@plan.json", text
        return {}
    assert text.startswith("{"), text
    return dict(yaml.safe_load(re.sub(r"\{\{.*?\}\}", "x", text)))


def test_variables_are_given_as_json() -> None:
    """The value of NAME=VALUE ends at its first space, although the shell has it in quotes."""
    folders = ("docs", "extensions", "playbooks", "roles")
    files = [path for name in folders for path in (ROOT / name).rglob("*") if path.suffix in (".rst", ".md", ".yml")]
    assigned = [
        line
        for path in (*files, *ROOT.glob("*.md"))
        for line in path.read_text("utf-8").splitlines()
        if re.search(r"(?<!\S)`*(?:-e|--extra-vars)[ =]+[\"']?[a-z]\w*=", line)
    ]
    # It warns of it.
    (warning,) = assigned
    assert "gets lost" in warning


def test_a_mistake_in_a_command_is_seen() -> None:
    for line in (
        'ansible-playbook community.immuta.plan -e \'{"immuta_deregister_on_unknown": "again"}\'',
        "ansible-playbook community.immuta.plan -e '{\"immuta_deregister_conection_key\": 1}'",
    ):
        assert require_playbook(shlex.split(line)[1:], "")
    with pytest.raises(AssertionError):
        require_playbook(["community.immuta.plna"], "")


def test_the_readme_and_the_quick_start_show_the_same_commands() -> None:
    # Those of the quick start run, in tests/integration/test_documentation.py.
    readme, quick = (
        [words for words in commands(text) if words[0] == "ansible-playbook"]
        for text in (PAGES["README.md"], GUIDES["guide_quickstart"])
    )
    assert readme == quick and len(quick) == 2
