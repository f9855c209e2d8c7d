# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin under the real `ansible-inventory`, and the role on its hosts."""

from __future__ import annotations

import dataclasses
import json
import re
import shlex
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest

from ansible_collections.community.immuta.plugins.inventory import immuta_connections
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.databricks_server import Fault as DatabricksFault
from ansible_collections.community.immuta.tests.doubles.immuta_server import Connection, Fault, ImmutaDouble, State
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.play import Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY, PASSWORD, TOKEN

GUIDE = Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "guide_bulk.rst"
PLUGIN = "plugin: community.immuta.immuta_connections\n"
SNOWFLAKE, DATABRICKS = "prod-snowflake-c676119c0f", "prod-databricks-913ae9e134"
GLUE = "prod-lake-formation-02de220e80"
HOSTILE = [
    *("{{ 1/0 }}", "{% raw %}", "{# a", "{{ lookup('ansible.builtin.pipe', 'touch /tmp/x') }}"),
    *("a: b, c[0]!&@x", "~.*", "*", "-i", "@file", "\"'\\", "line\nfeed", "\x1b[31m", "a/b", "..", ".", " ", ""),
    *("naïve ☃", "日本", "all", "ungrouped", "localhost", "127.0.0.1", "immuta_technology_snowflake"),
    *("plain", "Plain", "x" * 64, "prod-0123456789"),
]


@dataclasses.dataclass
class Listed:
    """What `ansible-inventory` said."""

    code: int
    out: str
    err: str

    @property
    def groups(self) -> dict[str, t.Any]:
        """The groups of `--list`, without Ansible's marks of what is no template."""
        return t.cast(dict[str, t.Any], json.loads(self.out, object_hook=self._unmarked))

    @property
    def hosts(self) -> dict[str, dict[str, t.Any]]:
        """The variables of each host."""
        return t.cast(dict[str, dict[str, t.Any]], self.groups["_meta"]["hostvars"])

    @staticmethod
    def _unmarked(value: dict[str, t.Any]) -> t.Any:
        return value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else value


class Site:
    """A folder with an inventory source, and what reads it.

    :ivar player: runs playbooks in that folder
    """

    def __init__(self, player: Player, source: str = PLUGIN) -> None:
        self.player = player
        self.source = player.folder / "immuta_connections.yml"
        self.source.write_text(source)

    def __call__(self, *arguments: str, env: dict[str, str] | None = None) -> Listed:
        """Run `ansible-inventory`; a source that can't be read is a failure."""
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "ansible-inventory"),
                "-i",
                str(self.source),
                *(arguments or ["--list"]),
            ],
            cwd=self.player.folder,
            env={**self.player.environment, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true", **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Listed(done.returncode, done.stdout, done.stderr)


@pytest.fixture
def site(tmp_path: Path, immuta: ImmutaDouble, snowflake: SnowflakeDouble, databricks: DatabricksDouble) -> Site:
    """A folder with the shortest source."""
    environment = {**snowflake.environment(PASSWORD), **databricks.environment(TOKEN)}
    return Site(Player(tmp_path, immuta, environment))


def asked(immuta: ImmutaDouble) -> list[str]:
    return [one.operation_id or one.path for one in immuta.requests]


# Hosts


def test_every_connection_is_a_host(site: Site, immuta: ImmutaDouble) -> None:
    listed = site()
    assert listed.code == 0, listed.err
    groups = {name: one["hosts"] for name, one in listed.groups.items() if name != "_meta" and "hosts" in one}
    assert groups == {
        "immuta_connections": [DATABRICKS, GLUE, SNOWFLAKE],
        "immuta_state_active": [DATABRICKS, GLUE, SNOWFLAKE],
        "immuta_status_enabled": [DATABRICKS, GLUE, SNOWFLAKE],
        "immuta_technology_databricks": [DATABRICKS],
        "immuta_technology_glue": [GLUE],
        "immuta_technology_snowflake": [SNOWFLAKE],
    }
    assert listed.hosts[SNOWFLAKE] == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "immuta_connection": {
            "key": KEY,
            "technology": "Snowflake",
            "hostname": "example.snowflakecomputing.com",
            "port": 443,
            "state": "ACTIVE",
            "integration_id": 5,
            "integration_type": "Snowflake",
            "integration_status": "enabled",
        },
        "immuta_deregister_connection_key": KEY,
    }
    assert asked(immuta) == ["searchObjects", "listIntegrations", *["getConnection"] * 3]


@pytest.mark.oldest
def test_any_key_on_any_page_is_a_host_and_no_template(site: Site, immuta: ImmutaDouble) -> None:
    many = [*HOSTILE, *(f"connection {number:03}" for number in range(60))]
    immuta.state.connections.update({key: Connection(key, "Snowflake", "h.example", 443, 5) for key in many})
    immuta.variant.search_page_cap = 20
    site.source.write_text(
        PLUGIN
        + "strict: true\n"
        + "compose:\n  label: immuta_connection.technology ~ immuta_connection.key\n"
        + "keyed_groups:\n  - key: immuta_connection.key | default('none', true)\n    prefix: key\n"
    )
    listed = site()
    assert listed.code == 0, listed.err
    keys = [one["immuta_deregister_connection_key"] for one in listed.hosts.values()]
    assert sorted(keys) == sorted(immuta.state.connections)
    for name, one in listed.hosts.items():
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)
        assert one["label"] == one["immuta_connection"]["technology"] + one["immuta_connection"]["key"]
    assert not {"all", "ungrouped", "localhost", "127.0.0.1"} & set(listed.hosts)
    assert len(listed.groups["immuta_connections"]["hosts"]) == len(many) + 3
    # Each of the names is a pattern for its host alone, and what a play sees of the key is the key.
    name = next(name for name, one in listed.hosts.items() if one["immuta_deregister_connection_key"] == HOSTILE[3])
    seen = ["immuta_deregister_connection_key", "label", "immuta_connection.key", "ansible_python_interpreter"]
    message = "|".join(f"{{{{ {one} }}}}" for one in seen)
    play = {"hosts": name, "gather_facts": False, "tasks": [{"ansible.builtin.debug": {"msg": message}}]}
    played = site.player.run([play], "-i", str(site.source))
    assert played.code == 0, played.output
    ((host, told),) = [(one["host"], one["result"]["msg"]) for one in played.tasks]
    assert (host, told) == (name, f"{HOSTILE[3]}|Snowflake{HOSTILE[3]}|{HOSTILE[3]}|{sys.executable}")


def test_the_example_is_a_source(site: Site, immuta: ImmutaDouble) -> None:
    immuta.state.integrations[9].status = "disabled"
    for key, technology, number in (
        *(("test finance", "Snowflake", 5), ("test", "Databricks", 7), ("test two", "Databricks", 7)),
        *(("test three", "Snowflake", 9), ("test four", "Glue", 5), ("test five, do not touch", "Snowflake", 5)),
    ):
        immuta.state.connections[key] = Connection(key, technology, "a-b.example", 443, number)
    text = immuta_connections.EXAMPLES.replace("https://example.hosted.immutacloud.com", immuta.url)
    site.source = site.source.with_name("test.immuta_connections.yml")
    site.source.write_text(text.replace("~/.cache", str(site.player.folder)))
    listed = site(env={"IMMUTA_TEST_API_KEY": API_KEY, "IMMUTA_API_KEY": "another"})
    assert listed.code == 0, listed.err
    hosts = {one["immuta_deregister_connection_key"]: name for name, one in listed.hosts.items()}
    assert set(hosts) == {"test finance", "test two"}
    assert listed.groups["finance"]["hosts"] == [hosts["test finance"]]
    assert sorted(listed.groups["platform_a_b_example"]["hosts"]) == sorted(hosts.values())
    folders = {one["immuta_deregister_script_dir"] for one in listed.hosts.values()}
    assert folders == {"/srv/immuta/snowflake", "/srv/immuta/databricks"}
    assert len(list((site.player.folder / "immuta_connections").iterdir())) == 1
    # Those that keys and technologies leave out were not looked up.
    assert asked(immuta).count("getConnection") == 3


def test_options_are_templates_and_may_be_vaulted(site: Site, immuta: ImmutaDouble) -> None:
    password = site.player.folder / "password"
    password.write_text("a password")
    vault = [
        str(Path(sys.executable).parent / "ansible-vault"),
        "encrypt_string",
        "--vault-password-file",
        str(password),
    ]
    vaulted = subprocess.run(
        [*vault, "--name", "api_key", API_KEY], env=site.player.environment, capture_output=True, text=True, check=True
    ).stdout
    site.source.write_text(f'{PLUGIN}{vaulted}url: "{{{{ tenant }}}}"\ntimeout: "{{{{ 2 + 3 }}}}"\nca_path: ""\n')
    arguments = ["--list", "-e", f"tenant={immuta.url}", "--vault-password-file", str(password)]
    listed = site(*arguments, env={"IMMUTA_URL": "http://127.0.0.1:9", "IMMUTA_API_KEY": "another"})
    assert listed.code == 0, listed.err
    assert sorted(listed.hosts) == [DATABRICKS, GLUE, SNOWFLAKE]


# The cache


OTHER = "other-d9298a10d1"


def test_what_is_kept_is_not_asked_for_again(site: Site, immuta: ImmutaDouble) -> None:
    place = site.player.folder / "cache"
    site.source.write_text(f"{PLUGIN}cache: true\ncache_plugin: jsonfile\ncache_connection: {place}\n")
    immuta.state.connections["{{ 1/0 }}"] = Connection("{{ 1/0 }}", "Redshift")
    first = site()
    assert first.code == 0, first.err
    count = len(immuta.requests)
    del immuta.state.connections[KEY]
    assert site().groups == first.groups
    assert len(immuta.requests) == count
    (file,) = place.iterdir()
    assert KEY in file.read_text()
    assert API_KEY not in file.read_text()
    # Older ones than ansible-core 2.19 know of it in plays only.
    played = site.player.run([{"hosts": "all"}], "-i", str(site.source), "--flush-cache", "--list-hosts")
    assert played.code == 0, played.output
    assert DATABRICKS in played.output
    assert SNOWFLAKE not in played.output
    assert len(immuta.requests) > count
    assert SNOWFLAKE not in site().hosts
    # What is known of one tenant is not believed of another.
    with ImmutaDouble(State.example("other", api_key=API_KEY)) as other:
        assert OTHER in site(env={"IMMUTA_URL": other.url}).hosts
    assert OTHER not in site().hosts


# What goes wrong


@pytest.mark.parametrize(
    ("options", "fault", "told"),
    [
        ("api_key: canary-wrong-key-61d0\n", None, "does not accept the API key"),
        ("url: http://127.0.0.1:9\nretries: 0\n", None, "Check url"),
        ("include_key:\n  - prod *\n", None, "Did you mean include_keys?"),
        ("retries: 0\n", Fault("status", "searchObjects", nth=2), "(503)"),
        ("retries: 0\n", Fault("truncated", "getConnection", nth=20), "broke"),
        ("retries: 0\n", Fault("html", "listIntegrations"), "login page"),
        ("strict: true\ncompose:\n  a: 1 / (immuta_connection.port | default(0, true))\n", None, "Could not set a for"),
        ("exchange_api_key: true\napi_key: '{{ nowhere }}'\n", None, "'nowhere' is undefined"),
    ],
    ids=["key", "url", "option", "second page", "cut off", "login page", "strict", "template"],
)
def test_an_inventory_is_all_or_nothing(
    site: Site, immuta: ImmutaDouble, options: str, fault: Fault | None, told: str
) -> None:
    many = (f"connection {number:02}" for number in range(30))
    immuta.state.connections.update({key: Connection(key, "Snowflake", "h.example", 443, 5) for key in many})
    immuta.variant.search_page_cap = 10
    if fault:
        immuta.faults.add(fault)
    site.source.write_text(PLUGIN + options)
    log = site.player.folder / "log"
    # Ansible goes on with what it has of this and other sources, unless it is told otherwise.
    environment = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "false", "ANSIBLE_LOG_PATH": str(log)}
    listed = site("--list", "-vvvv", "-i", "another,", env=environment)
    output = " ".join((listed.out + listed.err + log.read_text()).split())
    assert told in output
    assert [line for line in listed.out.splitlines() if '"connection-' in line] == []
    assert '"another"' in listed.out
    for secret in (API_KEY, "canary-wrong-key-61d0"):
        assert secret not in output


def test_a_key_that_may_not_see_everything_is_an_error(site: Site, immuta: ImmutaDouble) -> None:
    immuta.state.api_keys[API_KEY].permissions = set()
    immuta.state.api_keys[API_KEY].owns = {KEY}
    listed = site()
    assert listed.code != 0
    assert "Immuta does not show every connection to this API key" in " ".join(listed.err.split())
    assert "APPLICATION_ADMIN" in listed.err


def test_a_file_of_another_name_is_no_source(site: Site, immuta: ImmutaDouble) -> None:
    site.source = site.source.rename(site.source.with_name("connections.yml"))
    listed = site()
    assert listed.code != 0
    assert "could not be verified" in " ".join(listed.err.split())
    assert immuta.requests == []


def test_shows_no_secret(site: Site, immuta: ImmutaDouble) -> None:
    site.source.write_text(f"{PLUGIN}api_key: {API_KEY}\nexchange_api_key: true\nauth_scheme: bearer\n")
    log = site.player.folder / "log"
    listed = site("--list", "-vvvv", env={"ANSIBLE_DEBUG": "true", "ANSIBLE_LOG_PATH": str(log)})
    assert listed.code == 0, listed.err
    assert "exchangeApiKey" in asked(immuta)
    for secret in (API_KEY, *immuta.state.tokens):
        assert secret not in listed.out + listed.err + log.read_text()


# The guide


def blocks(kind: str) -> list[str]:
    """The code blocks of the guide, without their indentation."""
    found = re.findall(rf"\.\. code-block:: {kind}\n\n((?:    .*\n|\n)+)", GUIDE.read_text("utf-8"))
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE).strip() + "\n" for block in found]


def commands(program: str) -> list[tuple[list[str], str]]:
    """The arguments of the guide's calls of a program, and what they print."""
    found = re.findall(rf"^\$ {program} (.*)\n((?:[^$].*\n)*)", "".join(blocks("console")), re.MULTILINE)
    return [(shlex.split(line), printed) for line, printed in found]


def test_the_guide_takes_many_out_of_service(
    site: Site, immuta: ImmutaDouble, snowflake: SnowflakeDouble, databricks: DatabricksDouble
) -> None:
    folder = site.player.folder
    for name, block in zip(("immuta_connections.yml", "bulk.yml", "approved.yml"), blocks("yaml"), strict=True):
        (folder / name).write_text(block.replace("/srv/immuta", str(folder / "srv")))
    for arguments, printed in commands("ansible-inventory"):
        listed = site(*arguments[2:])
        assert listed.code == 0, listed.err
        assert not printed or sorted(listed.out.splitlines()) == sorted(printed.splitlines())
    flush, check, run, again = (arguments for arguments, _printed in commands("ansible-playbook"))
    count = len(immuta.requests)
    assert SNOWFLAKE in site.player.command(*flush).output
    assert len(immuta.requests) > count
    immuta.state.connections["prod later"] = Connection("prod later", "Snowflake")

    def play(arguments: list[str]) -> tuple[int, dict[str, str]]:
        played = site.player.command(*arguments, env={"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"})
        facts = [(task["host"], task["result"].get("ansible_facts", {})) for task in played.tasks]
        results = {host: one["immuta_deregister_result"] for host, one in facts if one.get("immuta_deregister_result")}
        assert set(results) == {host for host, _facts in facts}, played.output
        return played.code, {host: one["status"] for host, one in results.items()}

    assert play(check) == (0, {SNOWFLAKE: "planned", DATABRICKS: "planned"})
    assert not (folder / "srv" / "scripts").exists()
    assert not {"DELETE", "PUT", "PATCH"} & {one.method for one in immuta.requests}
    # One of them fails after the deletion. Immuta does not list it any more, but it is finished all the same.
    databricks.faults.append(DatabricksFault("statement", "error", nth=3))
    assert play(run) == (2, {SNOWFLAKE: "completed", DATABRICKS: "failed", GLUE: "planned"})
    assert set(immuta.state.connections) == {"prod lake formation", "prod later"}
    assert not snowflake.account.exists("DATABASE", "IMMUTA")
    assert databricks.metastore.exists("CATALOG", "immuta")
    assert play(again) == (0, {DATABRICKS: "completed"})
    assert not databricks.metastore.exists("CATALOG", "immuta")
