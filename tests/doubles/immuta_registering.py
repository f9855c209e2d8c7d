# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What a stand-in Immuta tenant does when a connection is registered."""

from __future__ import annotations

import typing as t
from urllib.parse import unquote

from .immuta_editing import UNSET, EditableTenant, split_credential
from .immuta_tenant import (
    HOMES,
    ApiKey,
    Call,
    Connection,
    Integration,
    Json,
    Refusal,
    Registration,
    Reply,
    _json,
    script_for,
)

EMPTY = {"empty_200": 200, "empty_201": 201, "empty_202": 202, "empty_204": 204}


class RegisteringTenant(EditableTenant):
    """A tenant on which connections can be registered."""

    @property
    def operations(self) -> dict[str, t.Callable[[Call, ApiKey], Reply]]:
        return {
            **super().operations,
            "registerConnection": self._register_connection,
            "testConnection": self._test_connection,
        }

    def _register_connection(self, call: Call, caller: ApiKey) -> Reply:
        self._require_registering(caller)
        body, key = call.body, call.body["connectionKey"]
        if key in self.state.connections or key in self.state.registrations:
            status = self.variant.register_existing
            self._require(status == 200, status, f"A connection with key {key} already exists.")
            return _json({"connectionKey": key})
        self._require_key(key)
        self._require_free(body)
        outcome = self.variant.register_outcome
        self._require(outcome != "refused", 422, "Validation failed: the account can't sign in.")
        whole, credential = split_credential(body["connection"])
        self.state.credentials[key] = credential
        alone = {"alone": "UNHEALTHY", "inactive": "INACTIVE"}
        behind = None if outcome in alone else self._created(body)
        fields = {name: value for name, value in whole.items() if name not in ("technology", "hostname", "port")}
        one = Connection(
            key,
            whole["technology"],
            whole.get("hostname"),
            whole.get("port"),
            behind.id if behind else None,
            child_count=1,
            state=alone.get(outcome, "ACTIVE"),
            settings={**UNSET, **body.get("settings", {})},
            extra=fields,
        )
        if one.state == "ACTIVE" and not one.settings["isActive"]:
            one.state = "INACTIVE"
        under_way = Registration(
            one, self.variant.register_delay, self.variant.register_reads, one.native_integration_id
        )
        self.state.registrations[key] = under_way
        self._come_on(read=False)
        return self._registered(call, caller, one, behind)

    def _registered(self, call: Call, caller: ApiKey, one: Connection, behind: Integration | None) -> Reply:
        reply = self.variant.register_reply
        if reply in EMPTY:
            return Reply(EMPTY[reply])
        bulk = f"first-{len(self.state.jobs)}"
        jobs = [f"{bulk}-1"]
        self.state.jobs.update(dict.fromkeys(jobs, self.variant.sync_reads))
        told = [{"id": job, "state": "created"} for job in jobs]
        if reply == "integration" and behind is not None:
            return _json({"id": str(behind.id), "status": "creating", "validationResults": {"status": "passed"}})
        if reply == "jobs":
            return _json({"jobs": told})
        if reply == "list":
            return _json(told)
        if reply == "described":
            return _json({"connectionKey": one.key, "connection": {"technology": one.technology}})
        return _json({"objectPath": [one.key], "bulkId": bulk})

    def _require_registering(self, caller: ApiKey) -> None:
        self._require(bool(caller.permissions & {"APPLICATION_ADMIN", "CREATE_DATA_SOURCE"}))

    def _require_key(self, key: str) -> None:
        """Refuse what newer versions do."""
        wrong = any(one in key for one in "./") or key.lower() in (
            "connection",
            "data",
            "metadata",
            "object",
            "settings",
        )
        self._require(not wrong or self.variant.register_keys == "any", 400, f"{key} is no valid connectionKey")

    def _require_free(self, body: Json) -> None:
        """Refuse a second integration, in Immuta's words."""
        native = body["nativeIntegration"]
        config = native["config"]
        for one in self.state.integrations.values():
            told = one.config
            host = str(told.get("host", told.get("workspaceUrl", ""))).rpartition("://")[2]
            same = host == config.get("host") and one.type == native["type"]
            homes = [{name: about.get(name) for name in ("database", "catalog")} for about in (told, config)]
            if not same or (self.variant.register_host == "place" and homes[0] != homes[1]):
                continue
            if one.status == "createError":
                raise Refusal(400, f"The integration could not be created. Use PUT /integrations/{one.id} to edit it.")
            if one.status not in ("deleted", "disabled"):
                raise Refusal(409, f"{one.type} integration already exists on {host} (id = {one.id})")

    def _created(self, body: Json) -> Integration:
        native = body["nativeIntegration"]
        config, _credential = split_credential(native["config"])
        script = script_for(native["type"], "cleanup", config) if native["type"] in HOMES else None
        # No id is given twice.
        number = self.state.last_id = max([self.state.last_id, *self.state.integrations]) + 1
        one = Integration(number, native["type"], "creating", config=config, script=script)
        self.state.integrations[number] = one
        return one

    def _come_on(self, *, read: bool = True) -> None:
        """Let the registrations come one read further."""
        for key, one in list(self.state.registrations.items()):
            behind = self.state.integrations.get(one.integration_id or 0)
            if behind is not None and behind.status == "creating":
                if one.reads > 0:
                    one.reads -= read
                else:
                    self._end(behind)
            # Of one that has failed nothing shows but the integration.
            never = self.variant.register_outcome == "create_error"
            hidden = never or one.delay > 0
            one.delay -= read and one.delay > 0
            if not hidden:
                self.state.connections[key] = one.connection
            if (behind is None or behind.status != "creating") and (never or not hidden):
                del self.state.registrations[key]

    def _end(self, behind: Integration) -> None:
        outcome = self.variant.register_outcome
        statuses = {"create_error": "createError", "broken": "createError", "failing": "recurringValidationError"}
        behind.status = statuses.get(outcome, "enabled")
        behind.tests["Connection"] = outcome not in statuses

    def _test_connection(self, call: Call, caller: ApiKey) -> Reply:
        reply = self.variant.test_reply
        self._require(reply != "absent", 404, "Not Found")
        self._require(reply != "not_allowed", 405, "Method Not Allowed")
        self._require(reply != "key", 400, "The key test does not fit the body")
        self._require_registering(caller)
        self._require_free(call.body)
        passed = self.variant.register_outcome != "refused"
        if passed and self.variant.test_effect == "integration":
            self._created(call.body).status = "enabled"
        test = {
            "name": "Connection",
            "status": "passed" if passed else "failed",
            "message": "" if passed else "It can't sign in.",
        }
        if reply == "empty":
            self._require(passed, 422, "Validation failed: the account can't sign in.")
            return Reply(204)
        bodies: dict[str, t.Any] = {
            "results": {"validationResults": {"status": test["status"], "validationTests": [test]}},
            "boolean": passed,
            "list": [test],
        }
        return _json(bodies[reply])

    # Whoever reads, sees it come on

    def _get_connection(self, call: Call, caller: ApiKey) -> Reply:
        if unquote(call.parameter) in self.state.registrations:
            self._come_on()
        return super()._get_connection(call, caller)

    def _get_integration(self, call: Call, caller: ApiKey) -> Reply:
        reply = super()._get_integration(call, caller)
        self._come_on()
        return reply
