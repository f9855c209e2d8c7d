# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an integration works, as far as Immuta tells: its status, and the tests with which Immuta has tried it."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _redact, _text
from ansible_collections.community.immuta.plugins.module_utils._immuta import integration
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client, parse_json
from ansible_collections.community.immuta.plugins.module_utils._immuta.operations import GET_INTEGRATION

PASSED = "passed"
ENABLED = "enabled"
LONGEST = 200
# Of a test that Immuta has not run, nothing tells.
NOT_RUN = ("", "notrun")
# What an integration has as the registration of its connection does, besides its configuration.
REGISTERED = ("type", "autoBootstrap", "unityCatalog")


@dataclasses.dataclass(frozen=True)
class Test:
    """One test.

    :ivar status: in lower case; empty when Immuta doesn't say
    :ivar message: what Immuta says of it, short and redacted
    """

    name: str
    status: str
    message: str

    @property
    def failed(self) -> bool:
        """Return whether Immuta says that it has failed."""
        return self.status.startswith(("fail", "error"))


@dataclasses.dataclass(frozen=True)
class Health:
    """An integration, and what Immuta's tests have found.

    :ivar status: of all tests, in lower case; empty when Immuta doesn't say
    :ivar config: as Immuta tells it; it may hold secrets, and is never shown
    :ivar about: what else Immuta tells of it that a registration has as well
    """

    integration: integration.Integration
    status: str
    tests: tuple[Test, ...]
    config: dict[str, t.Any] = dataclasses.field(default_factory=dict, repr=False)
    about: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def moving(self) -> bool:
        """Return whether Immuta is still busy with it."""
        return self.integration.status in integration.MOVING_STATUSES

    @property
    def failing(self) -> bool:
        """Return whether Immuta says that something is wrong with it."""
        return (
            not (self.moving or self.integration.status == ENABLED)
            or self.status.startswith(("fail", "error"))
            or any(test.failed for test in self.tests)
        )

    @property
    def passed(self) -> bool:
        """Return whether it is in use, and all tests that Immuta shows have passed; at least one has to be shown."""
        return self.integration.status == ENABLED and all_passed(self.status, self.tests)

    @property
    def silent(self) -> bool:
        """Return whether it is in use, and no test that Immuta shows says otherwise, nor that it works."""
        told = {self.status, *(test.status for test in self.tests)}
        return self.integration.status == ENABLED and not self.passed and told <= {PASSED, *NOT_RUN}

    @property
    def doubt(self) -> str:
        """Why nothing shows that it works, as part of a sentence; empty when something does."""
        if self.passed:
            return ""
        if self.moving or self.failing:
            return self.complaint
        others = [f"{one.name or 'a test'}: {one.status}" for one in self.tests if one.status not in ("", PASSED)]
        if self.status not in ("", PASSED):
            others = others or [self.status]
        which = f"the tests of its integration {self.integration.id}"
        return f"{which} have not passed ({'; '.join(others)})" if others else f"{which} are not shown"

    @property
    def complaint(self) -> str:
        """What is wrong with it, as part of a sentence."""
        said = [f"{test.name or 'a test'}: {test.message or test.status}" for test in self.tests if test.failed]
        about = f"its integration {self.integration.id} is {self.integration.status!r}"
        return f"{about} ({'; '.join(said)})" if said else f"{about}, its tests: {self.status or 'not told'}"

    def as_dict(self) -> dict[str, t.Any]:
        """Return the fields for a module's result."""
        return {
            "integration_id": self.integration.id,
            "integration_status": self.integration.status,
            "status": self.status or None,
            "tests": [dataclasses.asdict(test) for test in self.tests],
        }


def all_passed(status: str, tests: t.Iterable[Test]) -> bool:
    """Return whether all tests have passed, as far as Immuta tells of any: both are from C(results_of)."""
    told = [one for one in (status, *(test.status for test in tests)) if one]
    return bool(told) and all(one == PASSED for one in told)


def proved(health: Health | None, *, synced: bool) -> bool:
    """Return whether anything has shown that the credential of a connection works.

    :param health: its integration, after Immuta has the credential; None if it can't be read
    :param synced: whether an object sync has been completed since, which counts unless a test says otherwise
    """
    return synced if health is None or health.silent else health.passed


def look(client: Client, number: int) -> Health | None:
    """Return how an integration does; None when there is none.

    :raises ImmutaError: it can't be read
    """
    reply = client.find(GET_INTEGRATION, integration_id=number)
    if reply is None:
        return None
    body = parse_json(reply, GET_INTEGRATION)
    found = integration.from_api(body, GET_INTEGRATION)
    config = body.get("config")
    status, tests = results_of(body)
    about = {name: body[name] for name in REGISTERED if body.get(name) is not None}
    return Health(found, status, tests, config if isinstance(config, dict) else {}, about)


def results_of(body: t.Any) -> tuple[str, tuple[Test, ...]]:
    """Return the status of all tests, in lower case, and the tests in an answer; empty where it tells none."""
    results = body.get("validationResults") if isinstance(body, dict) else None
    results = results if isinstance(results, dict) else {}
    listed = body if isinstance(body, list) else results.get("validationTests")
    tests = tuple(_test(one) for one in listed if isinstance(one, dict)) if isinstance(listed, list) else ()
    return _word(results.get("status")), tests


def _test(one: dict[str, t.Any]) -> Test:
    # Older pages call the status of a test its result.
    return Test(_said(one.get("name")), _word(one.get("status") or one.get("result")), _said(one.get("message")))


def _word(value: t.Any) -> str:
    return _said(value).lower()


def _said(value: t.Any) -> str:
    return _redact.redact_and_cut(_text.printable(value), LONGEST) if isinstance(value, str) else ""
