# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that looks for what others left behind: read only, both platforms, and a draft that the executor runs."""

from __future__ import annotations

import hashlib
import json
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.community.immuta.plugins.module_utils._immuta import saved_script
from ansible_collections.community.immuta.tests.doubles.databricks_metastore import IMMUTA
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble
from ansible_collections.community.immuta.tests.doubles.snowflake_server import SnowflakeDouble
from ansible_collections.community.immuta.tests.harness.check_mode import harmless
from ansible_collections.community.immuta.tests.harness.play import AUDIT, Played, Player
from ansible_collections.community.immuta.tests.harness.servers import KEY, SECRETS, TOKEN

GUIDE = Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "guide_audit.rst"
SHA = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"


class Site:
    """A tenant, an account, and a metastore, and a folder of scripts."""

    def __init__(self, player: Player, databricks: DatabricksDouble) -> None:
        self.player = player
        self.output = player.folder / "output" / "audit.json"
        self.output.parent.mkdir()
        # The owner of the role is inherited by the role that sees all.
        self.env: dict[str, str | None] = {"SNOWFLAKE_ROLE": "ACCOUNTADMIN", "SNOWFLAKE_WAREHOUSE": "COMPUTE_WH"}
        self.both: dict[str, str | None] = {**self.env, **databricks.environment(TOKEN)}

    def audit(self, env: dict[str, str | None], **variables: t.Any) -> tuple[Played, dict[str, t.Any]]:
        """Audit; what it did, and what it wrote. Nothing else must have changed anywhere."""
        given = {"immuta_audit_output": str(self.output), "immuta_deregister_script_dir": str(self.player.scripts)}
        given.update((f"immuta_audit_{name}", value) for name, value in variables.items())
        self.output.unlink(missing_ok=True)
        # What the first run makes below the folder of the play is Ansible's.
        (self.player.folder / "remote").mkdir(exist_ok=True)
        with harmless(self.player.folder):
            played = self.player.command(AUDIT, "--extra-vars", json.dumps(given), env=env)
        assert not any(secret in played.output for secret in SECRETS)
        return played, json.loads(self.output.read_text())["immuta_audit"] if self.output.exists() else {}


@pytest.fixture
def site(player: Player, databricks: DatabricksDouble) -> Site:
    return Site(player, databricks)


def states(found: dict[str, t.Any]) -> dict[str, str]:
    (host,) = found["hosts"]
    return {".".join(one["path"]): one["state"] for audit in host["audits"] for one in audit["objects"]}


@pytest.mark.oldest
def test_what_is_left_over_is_found_and_drafted_and_removed(
    site: Site, immuta: ImmutaDouble, snowflake: SnowflakeDouble, databricks: DatabricksDouble
) -> None:
    state = immuta.state
    state.integrations[5].config["host"] = state.connections[KEY].hostname = "exampleorg-prod.snowflakecomputing.com"
    snowflake.account.add("DATABASE", "IMMUTA_OLD_BACKUP", owner="SYSADMIN")
    scripts = site.player.scripts
    scripts.mkdir(mode=0o700, parents=True)
    owner = saved_script.Owner(immuta.url, "long gone", 3, "Snowflake", "snowflake")
    for name in ("long gone", "open to all"):
        path = scripts / f"{name}.sql"
        path.write_bytes(saved_script.contents(owner, "DROP ROLE X;"))
        path.chmod(0o622 if name == "open to all" else 0o600)

    used, found = site.audit(site.both, fail_on="leftovers")
    assert states(found) == {
        **dict.fromkeys(("IMMUTA", "IMMUTA_SYSTEM", "IMMUTA_SYSTEM_ACCOUNT", "immuta", IMMUTA), "in_use"),
        **dict.fromkeys(("IMMUTA.PUBLIC.MASK_EMAIL", "IMMUTA.PUBLIC.ROWS_BY_REGION"), "in_use"),
        "IMMUTA_OLD_BACKUP": "not_certain",
    }
    # Nothing is left over, but a removal is unfinished.
    assert used.code == 2
    assert "1 removal is unfinished" in used.error
    assert f"long gone: {scripts}/long gone.sql: None of its statements has run" in used.output
    assert f"{scripts}/open to all.sql: Not trusted" in used.output
    assert found["summary"]["not_believed"] == 1
    assert site.output.stat().st_mode & 0o777 == 0o600

    # Somebody has deleted the connection in Immuta, and nothing else.
    del state.connections[KEY], state.integrations[5]
    draft = site.output.parent / "draft.sql"
    left, found = site.audit(site.env, draft=str(draft))
    assert left.code == 0, left.output
    assert found["summary"]["left_over"] == 5
    assert found["summary"]["in_use"] == 0
    assert "last used not reported by Snowflake" in left.output
    text = draft.read_text()
    assert text.startswith("-- DRAFT") and "IMMUTA_OLD_BACKUP" not in text
    assert draft.stat().st_mode & 0o777 == 0o600

    # As the guide shows it.
    block = GUIDE.read_text("utf-8").partition(".. code-block:: yaml\n\n")[2].partition("\n\nUnfinished")[0]
    shown = block.replace("/srv/immuta/draft.sql", str(draft)).replace(
        SHA, hashlib.sha256(draft.read_bytes()).hexdigest()
    )
    ran = site.player.tasks(yaml.safe_load(shown))
    assert ran.code == 0, ran.output
    assert snowflake.account.names("DATABASE") == ["IMMUTA_OLD_BACKUP", "SALES"]
    assert not any(
        snowflake.account.exists(*one) for one in (("ROLE", "IMMUTA_SYSTEM"), ("USER", "IMMUTA_SYSTEM_ACCOUNT"))
    )
    assert databricks.metastore.exists("CATALOG", "immuta")
