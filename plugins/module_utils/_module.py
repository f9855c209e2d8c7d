# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only file that knows AnsibleModule: options in, result or failure out.

A module calls C(run) with the function that does its work and its argument spec. The function gets a C(Context) and
returns an C(Outcome), or raises a C(Failure). It never calls exit_json or fail_json itself.

Every answer says in C(timing) when the module has begun and ended, which Ansible does not record.
"""

from __future__ import annotations

import datetime
import logging
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleFallbackNotFound, AnsibleModule, missing_required_lib

from ansible_collections.community.immuta.plugins.module_utils import _hidden
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, MissingLibrary, bug
from ansible_collections.community.immuta.plugins.module_utils._task import Context, Outcome

# Options that hold more than a secret; whoever reads them hides what is secret in them.
TEXTS = frozenset({"script"})


def run(work: t.Callable[[Context], Outcome], argument_spec: dict[str, t.Any], **spec: t.Any) -> None:
    """Run C(work) as an Ansible module and leave the process with its result.

    :param work: the module's behaviour
    :param argument_spec: the module's options
    :param spec: more arguments of AnsibleModule: C(mutually_exclusive), C(required_if), ...
    """
    started = _utc_now()
    # Without a listener, libraries would log to standard error, which passes no filter of ours.
    logging.getLogger().addHandler(logging.NullHandler())
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **spec)
    params = {
        name: _unset_if_empty(value, argument_spec.get(name, {}), module) for name, value in module.params.items()
    }
    _hide_options(module, params, argument_spec)
    context = Context(
        params=params,
        check_mode=module.check_mode,
        warn=lambda text: module.warn(_hidden.shown(text)),
        hide=_hidden.add,
    )
    try:
        outcome = work(context)
    except MissingLibrary as error:
        module.fail_json(
            msg=missing_required_lib(error.library, reason=error.reason, url=error.url),
            exception=error.trace,
            failure=error.as_dict(),
            timing=_since(started),
        )
    except Failure as error:
        said = _hidden.shown({"msg": str(error), "failure": error.as_dict(), **error.result})
        module.fail_json(**said, timing=_since(started))
    except Exception as error:
        module.fail_json(**_bug(error), timing=_since(started))
    result = dict(outcome.result)
    if outcome.diff is not None and module._diff:
        result["diff"] = outcome.diff
    module.exit_json(changed=outcome.changed, **_hidden.shown(result), timing=_since(started))


def _since(started: str) -> dict[str, str]:
    return {"started": started, "ended": _utc_now()}


def _utc_now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _hide_options(module: AnsibleModule, params: dict[str, t.Any], argument_spec: dict[str, t.Any]) -> None:
    secret = {name for name, about in argument_spec.items() if about.get("no_log")} - TEXTS
    # Ansible itself shows the options.
    module.no_log_values.update(_hidden.add_options(params, secret))


def _bug(error: Exception) -> dict[str, t.Any]:
    """The result for what nobody has expected. The error's own text stands in the traceback only."""
    failure = bug(error)
    # The end of a traceback tells most.
    trace = traceback.format_exc()[-_hidden.LONGEST_SAID :]
    return {"msg": str(failure), "failure": failure.as_dict(), "exception": _hidden.said(trace)}


def _unset_if_empty(value: t.Any, spec: dict[str, t.Any], module: AnsibleModule) -> t.Any:
    """An empty string becomes what the option is when it is not given: surveys can't leave an answer out."""
    if value != "":
        return value
    fallback, *names = spec.get("fallback", (None,))
    if fallback is None:
        return spec.get("default")
    try:
        value = fallback(*(names[0] if names else ()))
    except AnsibleFallbackNotFound:
        return spec.get("default")
    if spec.get("no_log"):
        module.no_log_values.add(value)
    return value
