# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of operations and the API description of the stand-in say the same, both ways."""

from __future__ import annotations

import yaml

from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import OPERATIONS
from ansible_collections.community.immuta.tests.doubles.immuta_contract import DESCRIPTION

ABOUT = yaml.safe_load(DESCRIPTION.read_text(encoding="utf-8"))
DESCRIBED = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, item in ABOUT["paths"].items()
    for method, operation in item.items()
    if method in ("get", "post", "put", "patch", "delete")
}


def test_the_same_operations() -> None:
    assert {operation.name for operation in OPERATIONS} == set(DESCRIBED)


def test_the_same_methods_paths_and_effects() -> None:
    for operation in OPERATIONS:
        method, path, about = DESCRIBED[operation.name]
        assert operation.method == method
        assert operation.effect.value == about["x-effect"]
        # The names of placeholders are each side's own.
        ours, theirs = operation.path.split("/"), path.split("/")
        assert [part if "{" not in part else "{}" for part in ours] == [
            part if "{" not in part else "{}" for part in theirs
        ]


def test_every_good_status_is_described() -> None:
    for operation in OPERATIONS:
        _method, _path, about = DESCRIBED[operation.name]
        described = {int(status) for status in about["responses"] if status.isdigit() and status.startswith("2")}
        assert operation.good == described, operation.name


def test_every_operation_says_where_it_is_from_and_how_sure_that_is() -> None:
    for name, (_method, _path, about) in DESCRIBED.items():
        assert str(about["x-provenance"]).startswith("https://documentation.immuta.com/"), name
        assert about["x-confidence"], name
