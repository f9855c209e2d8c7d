# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Starts the stand-in servers that most tests need, with what they know set to secrets that occur nowhere else."""

from __future__ import annotations

import contextlib
import typing as t

from ansible_collections.community.immuta.tests.doubles.databricks_metastore import Metastore
from ansible_collections.community.immuta.tests.doubles.databricks_server import DatabricksDouble
from ansible_collections.community.immuta.tests.doubles.immuta_server import ImmutaDouble, State, Variant
from ansible_collections.community.immuta.tests.doubles.snowflake_server import Account, SnowflakeDouble

KEY = "prod snowflake"
# In any output, one of these is a leak.
API_KEY = "canary-api-key-5f0c1d"
PASSWORD = "canary-password-77ae20"
TOKEN = "canary-token-10be93"
CLIENT_SECRET = "canary-client-secret-c4d2"
SECRETS = (API_KEY, PASSWORD, TOKEN, CLIENT_SECRET)
# Variables that a developer's shell may hold, and that must not decide what a test sees.
FOREIGN = (
    *("IMMUTA_", "SNOWFLAKE_", "DATABRICKS_", "ANSIBLE_", "AWX_", "JOB_ID"),
    *("GITHUB_", "GITLAB_", "RUNNER_", "KUBERNETES_", "CI_", "container"),
)


@contextlib.contextmanager
def immuta(state: State | None = None, variant: Variant | None = None) -> t.Iterator[ImmutaDouble]:
    """A tenant with connections on Snowflake, Databricks, and AWS Lake Formation. It fails what breaks the contract."""
    with ImmutaDouble(state or State.example(KEY, api_key=API_KEY), variant) as double:
        yield double
        assert not double.violations, double.violations


def snowflake() -> SnowflakeDouble:
    """The Snowflake account on which Immuta was set up."""
    return SnowflakeDouble(Account.example(password=PASSWORD))


def databricks() -> DatabricksDouble:
    """The Databricks workspace on which Immuta was set up."""
    return DatabricksDouble(Metastore.example(token=TOKEN, secret=CLIENT_SECRET))
