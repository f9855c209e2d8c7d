# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller that the definitions were loaded into, and jobs as AWX runs them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from awx_plugins.interfaces._temporary_private_api import ManagedCredentialType
from awx_plugins.interfaces._temporary_private_credential_api import Credential
from awx_plugins.interfaces._temporary_private_inject_api import inject_credential
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from ansible_collections.community.immuta.tests.doubles import controller_rules
from ansible_collections.community.immuta.tests.doubles.controller_server import ControllerDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.forkserver import interpreter
from ansible_collections.community.immuta.tests.harness.play import Played, Player
from ansible_collections.community.immuta.tests.harness.servers import API_KEY, KEY

ROOT = Path(__file__).parents[2]
AWX = ROOT / "extensions/awx"
# What stands before the names, as with a second tenant.
NAME = "Immuta EMEA"
# Strings that occur nowhere else, so that in any output they are a leak.
TOKEN = "canary-controller-token-8b1d"
PASSWORD = "canary-awx-password-2f6a"
# What looks like a template, and is none.
PASSPHRASE = "canary-awx-passphrase-{{ 1 + 1 }}"
ACCESS_TOKEN = "canary-awx-access-token-91c4"
OAUTH_TOKEN = "canary-awx-oauth-token-55d0"
PRIVATE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(passphrase: str | None = None) -> str:
    """The private key, as somebody has it in a file."""
    encryption: t.Any = serialization.NoEncryption()
    if passphrase:
        encryption = serialization.BestAvailableEncryption(passphrase.encode())
    form = serialization.PrivateFormat.PKCS8
    return PRIVATE_KEY.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


class Loader:
    """Loads the definitions into a controller, as a user does.

    :ivar key: the private key, as it was loaded
    :ivar kept: where jobs keep scripts
    """

    def __init__(self, folder: Path, controller: ControllerDouble) -> None:
        self.controller = controller
        _other_things(controller)
        self.key = pem(PASSPHRASE)
        self.kept = folder / "kept"
        (folder / "deployer.p8").write_text(self.key)
        environment = {
            "CONTROLLER_HOST": controller.url,
            "CONTROLLER_OAUTH_TOKEN": TOKEN,
            "SNOWFLAKE_ACCOUNT": "example",
            "SNOWFLAKE_USER": "DEPLOYER",
            "SNOWFLAKE_PRIVATE_KEY_FILE": str(folder / "deployer.p8"),
            "PRIVATE_KEY_PASSPHRASE": PASSPHRASE,
            "ANSIBLE_PIPELINING": "true",
        }
        with ImmutaDouble(State.example()) as immuta:
            self.player = Player(folder, immuta, environment)

    def __call__(self, *arguments: str) -> Played:
        """Load them."""
        return self.playbook("load", *arguments)

    def playbook(self, name: str, *arguments: str, env: dict[str, str | None] | None = None) -> Played:
        """Play one of the playbooks, with every setting set.

        :param env: variables of the environment; None takes one away
        """
        # The folder of a test is one that a job of AWX would not keep.
        scripts = {"immuta_deregister_script_dir": str(self.kept), "immuta_deregister_script_durable": True}
        mine = {
            "immuta_awx_name": NAME,
            "immuta_awx_image": "registry.example.com/immuta-ee:1",
            "immuta_awx_image_credential": "registry",
            "immuta_awx_project_signature_credential": "signature",
            "immuta_awx_instance_groups": ["with the folder"],
            "immuta_awx_scripts": {**scripts, "immuta_deregister_report_dir": str(self.kept / "reports")},
            "immuta_awx_requesters": ["data platform"],
            "immuta_awx_approvers": ["security"],
            "immuta_awx_labels": ["immuta"],
            "immuta_awx_plan_schedule": "DTSTART:20260105T060000Z RRULE:FREQ=WEEKLY;INTERVAL=1",
            "immuta_awx_input_sources": [
                {
                    "input_field_name": "password",
                    "target_credential": f"{NAME} clean-up: Snowflake",
                    "source_credential": "vault",
                    "metadata": {"secret_path": "/immuta"},
                }
            ],
            **{f"immuta_awx_notify_{event}": [event] for event in ("approvals", "success", "error")},
            # Dozens of modules, none of them ours.
            "ansible_python_interpreter": str(interpreter()),
        }
        return self.player.command(str(AWX / f"{name}.yml"), "-e", json.dumps(mine), *arguments, env=env)


def _other_things(controller: ControllerDouble) -> None:
    """What is there already: what the settings name, and a first tenant in another organization."""
    (organization,) = controller.objects["organizations"]
    other = controller.create("organizations", {"name": "Elsewhere"})["id"]
    controller.create("inventories", {"name": "Immuta: localhost", "organization": other})
    controller.create("inventories", {"name": "Immuta: connections", "organization": other})
    controller.create("instance_groups", {"name": "with the folder"})
    for name in ("data platform", "security"):
        controller.create("teams", {"name": name, "organization": organization})
    for name in ("approvals", "success", "error"):
        controller.create("notification_templates", {"name": name, "organization": organization})
    kind = controller.create("credential_types", {"name": "something else", "kind": "cloud", "inputs": {"fields": []}})[
        "id"
    ]
    for name in ("registry", "signature", "vault"):
        controller.create(
            "credentials", {"name": name, "organization": organization, "credential_type": kind, "inputs": {}}
        )


@pytest.fixture(scope="session")
def loader(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[Loader]:
    """What loads the definitions; it has done so."""
    with ControllerDouble(TOKEN, ROOT) as controller:
        load = Loader(tmp_path_factory.mktemp("awx"), controller)
        played = load("-v")
        assert played.code == 0, played.output
        for secret in (TOKEN, API_KEY, PASSPHRASE, *load.key.split("\n")[1:-2]):
            assert secret not in played.output
        assert "WARNING" not in played.output, played.output
        yield load


@pytest.fixture
def controller(loader: Loader) -> ControllerDouble:
    """A controller that the definitions were loaded into."""
    return loader.controller


class Awx:
    """Runs jobs as AWX runs them: credentials by its own code, variables by its rules.

    :param folder: of the job; it dies with it
    """

    def __init__(self, folder: Path, player: Player, controller: ControllerDouble) -> None:
        self.folder = folder
        self.player = player
        self.controller = controller
        (folder / "env").mkdir(parents=True)

    def injected(self, credential_type: str, inputs: dict[str, t.Any]) -> dict[str, str]:
        """The environment that a credential gives to a job."""
        kept = self.controller.named("credential_types", credential_type)
        assert controller_rules.credential_mistakes(kept["inputs"], inputs) == []
        about = {name: kept[name] for name in ("name", "kind", "inputs", "injectors")}
        env: dict[str, t.Any] = {}
        shown: dict[str, t.Any] = {}
        inject_credential(
            ManagedCredentialType(namespace="", **about), Credential(inputs), env, shown, [], str(self.folder)
        )
        fields = {one["id"]: one for one in kept["inputs"]["fields"]}
        secrets = [value for name, value in inputs.items() if value and fields[name].get("secret")]
        assert not [one for one in secrets for text in shown.values() if one in text]
        # podman is given the variables as lines of a file.
        assert not [name for name, value in env.items() if "\n" in value]
        # AWX mounts the job's folder there.
        return {name: value.replace("/runner/", f"{self.folder}/") for name, value in env.items()}

    def update(self, env: dict[str, str]) -> dict[str, dict[str, t.Any]]:
        """Update the inventory from its source; the variables of its hosts."""
        (source,) = self.controller.objects["inventory_sources"].values()
        place = str(ROOT / source["source_path"])
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-inventory"), "--list", "--export", "-i", place],
            env={**self.player.environment, **env, "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"},
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        found: dict[str, dict[str, t.Any]] = json.loads(done.stdout)["_meta"]["hostvars"]
        return found

    def job(
        self,
        name: str,
        env: dict[str, str],
        *arguments: str,
        artifacts: dict[str, t.Any] | None = None,
        answers: dict[str, t.Any] | None = None,
        hosts: dict[str, dict[str, t.Any]] | None = None,
        job_type: str = "",
    ) -> Played:
        """Run a job template.

        :param artifacts: what earlier jobs of the workflow have left
        :param name: what stands behind the colon of its name
        :param answers: those to the survey that was launched
        :param hosts: of the inventory; without them those that the template's has
        :param job_type: what the launch says, where that is asked
        """
        template = self.controller.named("job_templates", f"{NAME}: {name}")
        assert template["ask_job_type_on_launch"] or not job_type
        checked = ["--check"] if (job_type or template["job_type"]) == "check" else []
        for credential in self.controller.names("job_templates", template, "credentials"):
            kept = self.controller.named("credentials", credential)
            kind = self.controller.objects["credential_types"][kept["credential_type"]]
            assert controller_rules.start_mistake(kind["inputs"], kept["inputs"]) == ""
        given = json.loads(template["extra_vars"])
        survey = self.controller.surveys.get(template["id"])
        variables = controller_rules.job_variables(given, survey, artifacts or {}, answers or {})
        extra = self.folder / "env" / "extravars"
        extra.write_text(controller_rules.extra_vars_file(variables, given))
        if hosts is None:
            kept = self.controller.objects["hosts"].values()
            hosts = {
                one["name"]: json.loads(one["variables"]) for one in kept if one["inventory"] == template["inventory"]
            }
        groups = {
            "all": {"hosts": [*hosts]},
            "immuta_connections": {"hosts": [one for one in hosts if one != "localhost"]},
        }
        inventory = self.folder / "hosts"
        listed = json.dumps({**groups, "_meta": {"hostvars": hosts}})
        inventory.write_text(f"#!/bin/sh\ncat << 'END'\n{listed}\nEND\n")
        inventory.chmod(0o700)
        return self.player.command(
            str(ROOT / template["playbook"]),
            *("-i", str(inventory), "-e", f"@{extra}", *checked, *arguments),
            env={"IMMUTA_URL": None, "IMMUTA_API_KEY": None, **env, "AWX_PRIVATE_DATA_DIR": str(self.folder)},
        )


@pytest.fixture
def immuta() -> t.Iterator[ImmutaDouble]:
    """A tenant with one Snowflake connection, among others."""
    with ImmutaDouble(State.example(KEY, api_key=API_KEY)) as double:
        yield double
        assert not double.violations, double.violations


@pytest.fixture
def snowflake() -> t.Iterator[SnowflakeDouble]:
    """The Snowflake account on which Immuta was set up, with a user for all ways to sign in."""
    account = Account.example(password=PASSWORD)
    account.entities.pop(("USER", ("DEPLOYER",)))
    account.add_user(
        "DEPLOYER",
        password=PASSWORD,
        public_key=PRIVATE_KEY.public_key(),
        access_token=ACCESS_TOKEN,
        oauth_token=OAUTH_TOKEN,
    )
    with SnowflakeDouble(account) as double:
        yield double


@pytest.fixture
def awx(tmp_path: Path, immuta: ImmutaDouble, loader: Loader) -> t.Iterator[Awx]:
    """What runs jobs."""
    yield Awx(tmp_path / "job", Player(tmp_path, immuta, {}), loader.controller)
    # The next tenant is another one.
    shutil.rmtree(loader.kept, ignore_errors=True)
