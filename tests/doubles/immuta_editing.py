# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""What a stand-in Immuta tenant does when a connection gets another credential or other settings, and when its objects are synced."""

from __future__ import annotations

import typing as t
from urllib.parse import unquote

from .immuta_tenant import (
    DESCRIBED,
    ApiKey,
    Call,
    Connection,
    Edit,
    Integration,
    Json,
    Refusal,
    Reply,
    Tenant,
    _json,
    script_for,
)

# What no reader of a connection is told.
SECRETS = ("password", "privateKey", "privateKeyPassword", "token")
FINAL = ("technology", "hostname", "database", "catalog")
UNSET: Json = {"isActive": False, "activateNewChildren": False, "dataOwners": [], "policySync": "auto"}
# What Immuta makes for a new account, and tells nowhere else.
MADE_PASSWORD = "made-by-immuta;''4b1d9e"
EDITED_AT = "2026-11-01T08:00:00.000Z"


def split_credential(whole: Json) -> tuple[Json, Json]:
    """What Immuta tells of a connection or a configuration, and what it does not."""
    credential = {name: whole[name] for name in SECRETS if name in whole}
    told = {name: value for name, value in whole.items() if name not in SECRETS}
    client = whole.get("oAuthClientConfig")
    if isinstance(client, dict) and "clientSecret" in client:
        credential["clientSecret"] = client["clientSecret"]
        told["oAuthClientConfig"] = {name: value for name, value in client.items() if name != "clientSecret"}
    return told, credential


class EditableTenant(Tenant):
    """A tenant whose connections can be edited and synced."""

    @property
    def operations(self) -> dict[str, t.Callable[[Call, ApiKey], Reply]]:
        return {
            **super().operations,
            "updateConnection": self._update_connection,
            "renderSetupScript": self._render_setup_script,
            "renderEditScript": self._render_edit_script,
            "updateSettings": self._update_settings,
            "syncObjects": self._sync_objects,
            "syncObjectsByPut": self._sync_objects,
            "listJobs": self._list_jobs,
            "getJobs": self._get_jobs,
        }

    # Edits

    def _update_connection(self, call: Call, caller: ApiKey) -> Reply:
        key = unquote(call.parameter)
        self._require(bool(caller.permissions & {"APPLICATION_ADMIN", "INFRASTRUCTURE_ADMIN"}))
        one = self.state.connections.get(key)
        if one is None or one.technology not in DESCRIBED:
            raise Refusal(404, self._no_connection(key))
        behind = self.state.integration_of(one)
        if behind is not None and behind.status in ("editing", "deleting"):
            raise Refusal(409, f"Unable to edit connection {key} in current state {behind.status}.")
        whole = self._edited(call.body)
        for name in FINAL:
            if whole.get(name, getattr(one, name, None)) != getattr(one, name, whole.get(name)):
                raise Refusal(400, f"The attribute {name} is not editable")
        if self.variant.update_outcome == "refused":
            raise Refusal(422, f"Validation failed: {whole.get('username', 'the client')} can't sign in.")
        self._apply(one, behind, whole, call.body.get("nativeIntegration"))
        reply = self.variant.update_reply
        if reply == "job":
            return _json({"bulkId": "edit-1"})
        if reply == "object":
            return self._get_connection(call, caller)
        return Reply({"empty_200": 200, "empty_202": 202, "empty_204": 204}[reply])

    def _edited(self, body: Json) -> Json:
        """The connection object in the body of an edit, if it is in the variant's form."""
        form = "with_integration" if "nativeIntegration" in body else "connection" if "connection" in body else "bare"
        wanted = self.variant.update_request
        if form != wanted:
            why = {
                "connection": '"connection" is required' if form == "bare" else '"nativeIntegration" is not allowed',
                "with_integration": '"nativeIntegration" is required',
                "bare": '"connection" is not allowed',
            }
            raise Refusal(400, why[wanted])
        return dict(body if form == "bare" else body["connection"])

    def _apply(self, one: Connection, behind: Integration | None, whole: Json, native: Json | None) -> None:
        told, credential = split_credential(whole)
        former = {"port": one.port, "extra": one.extra, "updated_at": one.updated_at}
        fields = {name: value for name, value in told.items() if name not in ("technology", "hostname", "port")}
        effect = self.variant.update_effect
        if effect != "ignored":
            one.extra = {**one.extra, **fields} if effect == "merged" else fields
            one.port = whole.get("port", one.port if effect == "merged" else None)
        one.updated_at = EDITED_AT
        if behind is None:
            self.state.credentials[one.key] = credential
            return
        common = {**told, "port": one.port}
        config = {name: common[name] for name in behind.config if common.get(name) is not None and name in common}
        if self.variant.update_integration == "stays":
            config = {}
        if native is not None:
            config = split_credential(native["config"])[0]
        behind.edit = Edit(self.variant.update_delay, self.variant.update_reads, one.key, former, credential, config)
        self._go_on(behind, read=False)

    def _go_on(self, behind: Integration, *, read: bool = True) -> None:
        """Let an edit come one read further."""
        edit = behind.edit
        if edit is None:
            return
        if edit.delay > 0:
            edit.delay -= read
            return
        behind.status = "editing"
        if edit.reads > 0:
            edit.reads -= read
            return
        behind.edit = None
        outcome = self.variant.update_outcome
        one = self.state.connections.get(edit.connection_key)
        if outcome == "rolled_back" and one is not None:
            for name, value in edit.former.items():
                setattr(one, name, value)
            behind.status = "editError"
            behind.tests["Connection"] = True
            return
        self.state.credentials[edit.connection_key] = edit.credential
        behind.config = {**behind.config, **edit.config}
        behind.status = "recurringValidationError" if outcome == "recurring" else "enabled"
        behind.tests["Connection"] = outcome != "recurring"

    def _get_integration(self, call: Call, caller: ApiKey) -> Reply:
        reply = super()._get_integration(call, caller)
        self._go_on(self._integration(call))
        return reply

    # Set-up scripts

    def _render_setup_script(self, call: Call, caller: ApiKey) -> Reply:
        self._require("APPLICATION_ADMIN" in caller.permissions)
        kind, config = call.body["type"], call.body["config"]
        for name in ("host", "database") if kind == "Snowflake" else ("workspaceUrl", "catalog"):
            self._require(name in config, 400, f'"{name}" is required')
        self.state.setups.append(call.body)
        number = len(self.state.setups) if self.variant.setup_secret == "other" else 0
        text = script_for(kind, "setup", config).replace(MADE_PASSWORD, f"{MADE_PASSWORD}-{number}")
        if self.variant.setup_form == "pair":
            return _json({"initialScript": text, "secondScript": text}, outside=True)
        return self._script(text)

    def _render_edit_script(self, call: Call, caller: ApiKey) -> Reply:
        self._integration(call)
        return self._render_setup_script(call, caller)

    # Settings

    def _update_settings(self, call: Call, caller: ApiKey) -> Reply:
        self._require(bool(caller.permissions & {"APPLICATION_ADMIN", "INFRASTRUCTURE_ADMIN"}))
        one = self._existing(self._addressed(call))
        if one.deletion is not None:
            raise Refusal(409, f"Unable to update {one.key} in current state deleting.")
        form = "wrapped" if "settings" in call.body else "bare"
        if form != self.variant.settings_request:
            raise Refusal(400, '"settings" is required' if form == "bare" else '"settings" is not allowed')
        changed = call.body["settings"] if form == "wrapped" else call.body
        others = one.settings if self.variant.settings_effect == "merged" else UNSET
        one.setting = (self.variant.settings_reads, {**others, **changed})
        self._come_into_force(one, read=False)
        reply = self.variant.settings_reply
        if reply == "job":
            return _json({"bulkId": "settings-1"})
        if reply == "object":
            return _json(self._object([one.key], one))
        return Reply({"empty_200": 200, "empty_202": 202, "empty_204": 204}[reply])

    @staticmethod
    def _come_into_force(one: Connection, *, read: bool = True) -> None:
        """Let a change of settings come one read further."""
        if one.setting is None:
            return
        reads, settings = one.setting[0] - read, one.setting[1]
        one.setting = (reads, settings) if reads > 0 else None
        if one.setting is None:
            one.settings = settings
            one.state = "ACTIVE" if settings["isActive"] else "INACTIVE"

    def _get_object(self, call: Call, caller: ApiKey) -> Reply:
        reply = super()._get_object(call, caller)
        self._come_into_force(self._existing(self._addressed(call)))
        return reply

    # Object syncs

    def _sync_objects(self, call: Call, caller: ApiKey) -> Reply:
        self._require(bool(caller.permissions))
        one = self._existing(self._addressed(call))
        method = "put" if call.operation == "syncObjectsByPut" else "post"
        self._require(self.variant.sync_method in ("any", method), 405, "Method Not Allowed")
        given = (
            "none"
            if call.body is None
            else "empty"
            if call.body == {}
            else "options"
            if "options" in call.body
            else "bare"
        )
        forced = given in ("options", "bare")
        takes = (self.variant.sync_force if forced else self.variant.sync_request) in ("any", given)
        self._require(takes, 400, "Invalid request payload input")
        if any(reads > 0 for reads in self.state.jobs.values()):
            for job in self.state.jobs:
                self.state.jobs[job] -= 1
            raise Refusal(409, f"An object sync of {one.key} is running.")
        self.state.syncs.append((one.key, forced))
        jobs = [f"bulk-1-{number}" for number in (1, 2)]
        self.state.jobs.update(dict.fromkeys(jobs, self.variant.sync_reads))
        told = [{"id": job, "state": "created"} for job in jobs]
        bodies: dict[str, t.Any] = {"bulk": {"bulkId": "bulk-1"}, "jobs": {"jobs": told}, "list": told, "ids": jobs}
        if self.variant.sync_reply == "empty":
            return Reply(202)
        return _json(bodies[self.variant.sync_reply])

    def _list_jobs(self, call: Call, _caller: ApiKey) -> Reply:
        self._require(self.variant.jobs_container != "absent", 404, "Not Found")
        bulk = unquote(call.parameter)
        found = self._told([job for job in self.state.jobs if job.startswith(f"{bulk}-")])
        bodies: dict[str, t.Any] = {
            "list": found,
            "jobs": {"jobs": found},
            "keyed": {one["id"]: one for one in found},
        }
        return _json(bodies[self.variant.jobs_container])

    def _get_jobs(self, call: Call, _caller: ApiKey) -> Reply:
        return _json({one["id"]: one for one in self._told(call.body["jobIds"])})

    def _told(self, jobs: t.Iterable[str]) -> list[Json]:
        found = []
        for job in jobs:
            if job in self.state.jobs:
                active = self.state.jobs[job] > 0
                self.state.jobs[job] -= active
                found.append({"id": job, "state": "active" if active else self.variant.sync_outcome})
        return found
