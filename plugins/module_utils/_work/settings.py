# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The module C(immuta_connection_settings)."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils import _options
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, options, settings
from ansible_collections.community.immuta.plugins.module_utils._immuta.client import Client
from ansible_collections.community.immuta.plugins.module_utils._immuta.connection import Connection
from ansible_collections.community.immuta.plugins.module_utils._immuta.neighbours import Neighbours
from ansible_collections.community.immuta.plugins.module_utils._work import consent

# Immuta's names by those of the options.
NAMES = {
    "is_active": settings.ACTIVE,
    "activate_new_children": settings.ACTIVATE_NEW,
    "data_owners": settings.OWNERS,
    "infrastructure_admins": settings.ADMINS,
}


def ensure(context: Context) -> Outcome:
    """Implement the module C(immuta_connection_settings).

    :raises Refused: not confirmed, or the plan is not the approved one; nothing was changed
    """
    params = context.params
    wished = _wished(params)
    with options.client(params, check_mode=context.check_mode) as client:
        shown = settings.look(client, params["connection_key"])
        subject = Connection(shown.key, shown.technology)
        Neighbours(client, subject, "Change the settings of this connection").require_whole()
        plan = settings.decide(client.settings.url, shown, wished)
        if plan.changed:
            _require_approved(context, plan)
        after, verified = {**shown.values, **plan.wanted}, not plan.changed
        if plan.changed and not context.check_mode:
            after, verified = _apply(context, client, plan)
    result = {
        "connection_key": shown.key,
        "technology": shown.technology or None,
        "settings": {name: after.get(name) for name in wished},
        "verified": verified,
        "plan": plan.as_dict(),
    }
    return Outcome(plan.changed, result, _diff(plan, wished))


def _wished(params: dict[str, t.Any]) -> settings.Json:
    """Return the wished settings by Immuta's names.

    :raises ConfigurationError: there is none, or one is given twice
    """
    if not params["connection_key"]:
        raise errors.ConfigurationError("The option connection_key is empty.")
    _options.require_positive(params, "wait_timeout", error=errors.ConfigurationError)
    consent.require_same_key(params["connection_key"], params["confirm"], settings.UNCHANGED, "changing")
    more = params["settings"] or {}
    for option, name in NAMES.items():
        if name in more:
            raise errors.ConfigurationError(f"The option settings has {name}.", hint=f"Use the option {option}.")
    wished = {name: params[option] for option, name in NAMES.items() if params[option] is not None} | more
    if not wished:
        raise errors.ConfigurationError("No setting is given.", hint=f"Set one of {', '.join(NAMES)}, and settings.")
    return wished


def _require_approved(context: Context, plan: settings.Plan) -> None:
    params = context.params
    consent.require_approved(plan.digest, params["expected_plan_digest"], settings.UNCHANGED)
    if plan.changes_access and not params["confirm"] and not context.check_mode:
        effects = " ".join(dict.fromkeys(one["effect"] for one in plan.steps))
        raise errors.Refused(
            f"The option confirm is missing, and the change affects who can read data. {settings.UNCHANGED}",
            hint=f"{effects} To continue, set confirm to {plan.shown.key!r}; to see the plan, use check mode.",
            code="confirmation_required",
        )


def _apply(context: Context, client: Client, plan: settings.Plan) -> tuple[settings.Json, bool]:
    """Carry out the plan, and return what Immuta shows then, and whether that proves it."""
    setter = settings.Setter(client, plan, wait_timeout=context.params["wait_timeout"])
    shown = setter.apply()
    if setter.note:
        context.warn(setter.note)
    verified = setter.proved(shown)
    if not verified:
        unseen = [name for name in plan.wanted if name not in shown.values]
        context.warn(
            f"Immuta took the change, but does not show {' and '.join(unseen)}. Check the connection in Immuta."
        )
    others = {*plan.shown.values, *shown.values} - {*plan.wanted}
    touched = sorted(name for name in others if plan.shown.values.get(name) != shown.values.get(name))
    if touched:
        context.warn(f"Other settings have changed meanwhile: {', '.join(touched)}. Check the connection in Immuta.")
    return {**plan.wanted, **shown.values}, verified


def _diff(plan: settings.Plan, wished: settings.Json) -> dict[str, t.Any]:
    key, before = plan.shown.key, {name: plan.shown.values.get(name) for name in wished}
    return {
        "before": {"connection_key": key, "settings": before},
        "after": {"connection_key": key, "settings": {**before, **plan.wanted}},
    }
