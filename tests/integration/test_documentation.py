# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the documentation shows works as it stands there."""

from __future__ import annotations

import base64
import importlib
import json
import re
import shlex
import textwrap
import typing as t
from pathlib import Path

import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.community.immuta.tests.doubles.databricks_metastore import DEPLOYER
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_account import pem
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.inprocess import MODULES, run_by_hand
from ansible_collections.community.immuta.tests.harness.play import Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, CLIENT_SECRET, KEY, PASSWORD, TOKEN
from ansible_collections.community.immuta.tests.harness.site import HOSTS

ROOT = Path(__file__).parents[2]
# What a task sends to its host, Ansible's own 113 KiB included. The module that saves scripts also splits them, marks what is out
# of the ordinary, and knows their objects and credentials: that is some fifty rooms. A client sent by accident is far above it.
PAYLOAD_LIMIT = 310 * 1024


def localised(text: str, folder: Path) -> str:
    """An example, with its places and its account put where this test has them."""
    return (
        text.replace("/srv/immuta", str(folder / "srv"))
        .replace("/run/secrets", str(folder / "secrets"))
        .replace("myorg-myaccount", "example")
        .replace("https://example.hosted.immutacloud.com", '"{{ immuta_url }}"')
        .replace("vault_immuta_api_key", "immuta_api_key")
        .replace("https://dbc-a1b2345c-d6e7.cloud.databricks.com/oidc", "https://login.example/oidc")
        .replace("dbc-a1b2345c-d6e7.cloud.databricks.com", '"{{ databricks_url }}"')
        .replace("warehouse_id: 1234567890abcdef", "warehouse_id: abc")
        .replace("client_id: 5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77", f"client_id: {DEPLOYER}")
    )


@pytest.fixture
def site(player: Player, snowflake: SnowflakeDouble) -> Player:
    """A place that has the key pair that the examples sign in with."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    account = snowflake.account
    account.entities.pop(("USER", ("DEPLOYER",)))
    account.add_user("DEPLOYER", password=PASSWORD, public_key=key.public_key())
    for folder in ("srv", "secrets"):
        (player.folder / folder).mkdir()
    for name in ("deployer.p8", "immuta.p8"):
        (player.folder / "secrets" / name).write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return player


# Where integrations are to come.
TO_COME = {
    "snowflake": {
        "host": "example.snowflakecomputing.com",
        "warehouse": "COMPUTE_WH",
        "role": "IMMUTA_SYSTEM",
        "database": "IMMUTA_NEW",
    },
    "databricks": {
        "host": "adb-1234567890123456.7.azuredatabricks.net",
        "http_path": "/sql/1.0/warehouses/0123456789abcdef",
        "catalog": "immuta_new",
    },
}


def archive(wrapper: str) -> int:
    """The size in bytes of the archive of Python files in an AnsiballZ wrapper, where it stands as base64."""
    return len(base64.b64decode(max(re.findall(r"[A-Za-z0-9+/]{1000,}={0,2}", wrapper), key=len)))


def play(site: Player, tasks: list[dict[str, t.Any]], **variables: t.Any) -> t.Any:
    variables = {"immuta_url": site.immuta.url, "immuta_api_key": API_KEY, **variables}
    return site.run([{"hosts": "localhost", "gather_facts": False, "vars": variables, "tasks": tasks}])


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(site: Player, databricks: DatabricksDouble, name: str) -> None:
    module = importlib.import_module(f"ansible_collections.community.immuta.plugins.modules.{name}")
    tasks = yaml.safe_load(localised(module.EXAMPLES, site.folder))
    platform, _underscore, what = name.partition("_")
    if what in ("script", "objects_info"):
        saved = {"connection_key": f"prod {platform}", "path": str(site.folder / "srv" / f"prod-{platform}.sql")}
        tasks.insert(0, {"community.immuta.immuta_cleanup_script": saved})
        to_come = {"path": str(site.folder / "srv" / f"prod-{platform}-setup.sql"), platform: TO_COME[platform]}
        tasks.insert(0, {"community.immuta.immuta_setup_script": to_come})
    site.environment["DATABRICKS_HOST"] = databricks.url
    site.environment["DATABRICKS_WAREHOUSE_ID"] = databricks.warehouse
    site.environment["DATABRICKS_CLIENT_ID"] = DEPLOYER
    site.environment["DATABRICKS_CLIENT_SECRET"] = CLIENT_SECRET
    played = play(site, tasks, databricks_url=databricks.url, vault_databricks_client_secret=CLIENT_SECRET)
    assert played.code == 0, played.output
    assert played.modules.count(name) >= 2


def test_the_playbook_of_the_readme_runs(site: Player, immuta: ImmutaDouble) -> None:
    (block,) = re.findall(r"```yaml\n(- name: Take.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    (shown,) = yaml.safe_load(localised(block, site.folder))
    shown["vars"] = {"immuta_url": immuta.url, "immuta_api_key": API_KEY}
    played = site.run([shown], env={"IMMUTA_URL": None, "IMMUTA_API_KEY": None, "SNOWFLAKE_PASSWORD": None})
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"


def test_the_tasks_of_the_guide_run(site: Player, immuta: ImmutaDouble) -> None:
    guide = (ROOT / "docs" / "docsite" / "rst" / "guide_deregister.rst").read_text()
    block = guide.rpartition(".. code-block:: yaml\n\n")[2]
    played = play(site, yaml.safe_load(localised(block, site.folder)))
    assert played.code == 0, played.output
    assert KEY not in immuta.state.connections


def test_the_task_file_of_the_role_runs(site: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    # Its client does nothing here.
    run_by_hand(snowflake.environment(PASSWORD), str(immuta.state.integrations[5].script))
    readme = (ROOT / "roles" / "deregister_connection" / "README.md").read_text()
    (block,) = re.findall(r"```yaml\n(- name: Check that the script.*?)```", readme, re.DOTALL)
    own = site.folder / "own.yml"
    own.write_text(localised(block, site.folder))
    client = site.folder / "srv" / "bin" / "run-sql"
    client.parent.mkdir()
    client.write_text(f'#!/bin/sh\necho "$@" >> {site.folder / "called"}\n')
    client.chmod(0o700)
    played = site.role(executor=str(own), confirm=KEY)
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"
    assert KEY not in immuta.state.connections
    script = played.result["script"]["path"]
    assert (site.folder / "called").read_text() == f"--dialect=snowflake --file={script}\n"


def test_the_blocks_of_the_guide_to_rotating_run(
    site: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble
) -> None:
    guide = (ROOT / "docs" / "docsite" / "rst" / "guide_rotate.rst").read_text()
    found = re.findall(r"code-block:: yaml\n\n((?: .*\n|\n)+)", guide)
    (play_of_snowflake,), (task,) = (yaml.safe_load(localised(textwrap.dedent(one), site.folder)) for one in found)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    new = site.folder / "secrets" / "immuta-new.p8"
    new.with_suffix(".pub").write_text(pem(key.public_key()))
    # Check mode signs in, and notices that a key file is missing.
    missing = site.run([play_of_snowflake], "-e", "free_slot=RSA_PUBLIC_KEY_2", "--check")
    assert (missing.code, f"The file {new} of snowflake.key_pair.private_key_file can't be read" in missing.error) == (
        2,
        True,
    )
    assert len(snowflake.logins) == 1
    new.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    # Immuta tells what is no secret, so the blocks overwrite nothing else.
    immuta.state.connections[KEY].extra["username"] = "IMMUTA_SYSTEM_ACCOUNT"
    client = task["community.immuta.immuta_connection_credentials"]["databricks"]["oauth_m2m"]
    names = {"clientId": client["client_id"], "authorityUrl": client["authority_url"]}
    told = {"useCertificate": False, "scope": "all-apis", **names}
    immuta.state.connections["prod databricks"].extra["oAuthClientConfig"] = told
    user = snowflake.account.entities["USER", ("IMMUTA_SYSTEM_ACCOUNT",)]
    user.properties["RSA_PUBLIC_KEY"] = "the former one"
    play_of_snowflake["tasks"].append(task)
    play_of_snowflake["vars"] |= {
        "vault_databricks_client_secret": CLIENT_SECRET,
    }
    played = site.run([play_of_snowflake], "-e", "free_slot=RSA_PUBLIC_KEY_2")
    assert played.code == 0, played.output
    slots = {name: value for name, value in user.properties.items() if name.startswith("RSA_PUBLIC_KEY")}
    assert slots == {"RSA_PUBLIC_KEY_2": "".join(pem(key.public_key()).split("\n")[1:-2])}
    assert immuta.state.credentials[KEY]["privateKey"]["content"] == new.read_text()
    assert immuta.state.credentials["prod databricks"] == {"clientSecret": CLIENT_SECRET}


def test_the_blocks_of_the_guide_to_registering_run(
    site: Player,
    immuta: ImmutaDouble,
    snowflake: SnowflakeDouble,
    databricks: DatabricksDouble,
) -> None:
    guide = (ROOT / "docs" / "docsite" / "rst" / "guide_register.rst").read_text()
    found = re.findall(r"code-block:: yaml\n\n((?: .*\n|\n)+)", guide)
    blocks = [
        textwrap.dedent(one)
        .replace("/srv/immuta", str(site.folder / "srv"))
        .replace("/run/secrets", str(site.folder / "secrets"))
        .replace("host: dbc-a1b2345c-d6e7.cloud.databricks.com", f"host: {HOSTS['databricks']}")
        for one in found
    ]
    on_snowflake, on_databricks, edited, enabled, evidence, hosts, playbook = blocks
    # test_registered edits a connection with it.
    assert yaml.safe_load(edited).items() <= yaml.safe_load(enabled).items()
    (site.folder / "connection.yml").write_text(on_snowflake + enabled + evidence)
    plan, run, bulk, back = (
        shlex.split(line)[2:] for line in re.findall(r"^ +\$ ansible-playbook .*", guide, re.MULTILINE)
    )
    # Neither connection is there, nor what belongs to it.
    run_by_hand(snowflake.environment(PASSWORD), str(immuta.state.integrations[5].script))
    metastore = databricks.metastore
    metastore.securables = {name: one for name, one in metastore.securables.items() if name[1][:1] != ("immuta",)}
    for key in (KEY, "prod databricks"):
        number = immuta.state.connections.pop(key).native_integration_id
        del immuta.state.integrations[number or 0]
    before = set(snowflake.account.entities)

    for arguments, there in ((plan, False), (run, True), (back, False)):
        played = site.command(*arguments)
        assert played.code == 0, played.output
        assert (KEY in immuta.state.connections) is there
    assert set(snowflake.account.entities) == before

    (site.folder / "host_vars").mkdir()
    (site.folder / "host_vars" / "prod-snowflake.yml").write_text(on_snowflake)
    (site.folder / "host_vars" / "prod-databricks.yml").write_text(on_databricks)
    (site.folder / "hosts.yml").write_text(hosts)
    (site.folder / "register.yml").write_text(playbook)
    secret = json.dumps({"vault_databricks_client_secret": CLIENT_SECRET})
    played = site.command(*bulk, "-e", secret, env=databricks.environment(TOKEN))
    assert played.code == 0, played.output
    assert {KEY, "prod databricks"} <= set(immuta.state.connections)
    assert immuta.state.credentials["prod databricks"] == {"clientSecret": CLIENT_SECRET}


def shown_in(output: str, block: str) -> None:
    """Fail unless a run has printed what a guide says that it prints; an ellipsis is for anything."""
    printed = output.replace('\\"', '"')
    for line in filter(None, map(str.strip, block.splitlines())):
        pattern = ".*".join(re.escape(part.strip()) for part in line.split("..."))
        assert re.search(pattern, printed), line


def test_the_quick_start_is_as_it_says(site: Player, immuta: ImmutaDouble) -> None:
    guide = (ROOT / "docs" / "docsite" / "rst" / "guide_quickstart.rst").read_text().replace("\\\n", "")
    commands = [shlex.split(line)[2:] for line in guide.splitlines() if line.strip().startswith("$ ansible-playbook ")]
    (shown,) = re.findall(r"code-block:: yaml\n\n(.*?)\n\n\S", guide, re.DOTALL)
    texts = [
        one.replace("https://example.hosted.immutacloud.com", immuta.url)
        for one in re.findall(r"code-block:: text\n\n((?:    .*\n|\n)+)", guide)
    ]
    for arguments, text in zip(commands, texts[:2], strict=True):
        played = site.command(*arguments)
        assert played.code == 0, played.output
        shown_in(played.output, text)
    assert KEY not in immuta.state.connections
    # The playbook of one's own finds nothing to do after that.
    played = site.run(yaml.safe_load(shown))
    assert played.code == 0, played.output
    shown_in(played.output, texts[2])


def test_the_playbook_of_molecule_runs(site: Player, immuta: ImmutaDouble, snowflake: SnowflakeDouble) -> None:
    for name, double in (("immuta", immuta), ("snowflake", snowflake)):
        (site.folder / f"{name}.json").write_text(json.dumps({"host": double.host, "port": double.port}))
    about = {
        "molecule_folder": str(site.folder),
        "molecule_key": KEY,
        "molecule_api_key": API_KEY,
        "molecule_password": PASSWORD,
        "ansible_connection": "local",
    }
    converge = ROOT / "extensions" / "molecule" / "default" / "converge.yml"
    played = site.command(str(converge), "-i", "instance,", "-e", json.dumps(about))
    assert played.code == 0, played.output
    assert played.result["status"] == "completed"


def test_payloads_are_small(site: Player) -> None:
    site.interpreter = None
    remote = site.folder / "remote"
    names = ["ansible.builtin.ping", *(f"community.immuta.{name}" for name in MODULES)]
    tasks = [{name: {}, "ignore_errors": True} for name in names]
    site.tasks(tasks, env={"ANSIBLE_KEEP_REMOTE_FILES": "1", "ANSIBLE_REMOTE_TMP": str(remote)})
    sizes = {path.stem.removeprefix("AnsiballZ_"): archive(path.read_text()) for path in remote.rglob("AnsiballZ_*.py")}
    ping = sizes.pop("ping")
    print("\npayload in KiB: " + ", ".join(f"{name} {size / 1024:.0f}" for name, size in sorted(sizes.items())))
    print(f"of each, Ansible's own part (ansible.builtin.ping) {ping / 1024:.0f}")
    assert sorted(sizes) == MODULES
    assert max(sizes.values()) <= PAYLOAD_LIMIT
