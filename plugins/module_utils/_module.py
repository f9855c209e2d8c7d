# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only file that knows AnsibleModule: options in, result or failure out.

A module calls C(run) with the function that does its work and its argument spec. The function gets a C(Context) and
returns an C(Outcome), or raises a C(Failure). It never calls exit_json or fail_json itself.
"""

from __future__ import annotations

import typing as t

from ansible.module_utils.basic import AnsibleFallbackNotFound, AnsibleModule, missing_required_lib

from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, MissingLibrary
from ansible_collections.community.immuta.plugins.module_utils._task import Context, Outcome

# A shorter secret would be cut out of unrelated words; such ones are masked where they stand instead.
SHORTEST_HIDDEN = 4


def run(work: t.Callable[[Context], Outcome], argument_spec: dict[str, t.Any], **spec: t.Any) -> None:
    """Run C(work) as an Ansible module and leave the process with its result.

    :param work: the module's behaviour
    :param argument_spec: the module's options
    :param spec: more arguments of AnsibleModule: C(mutually_exclusive), C(required_if), ...
    """
    module = AnsibleModule(argument_spec=argument_spec, supports_check_mode=True, **spec)

    def hide(values: t.Iterable[str]) -> None:
        module.no_log_values.update(value for value in values if value and len(value) >= SHORTEST_HIDDEN)

    params = {name: _unset_if_empty(value, argument_spec.get(name, {}), hide) for name, value in module.params.items()}
    context = Context(params=params, check_mode=module.check_mode, warn=module.warn, hide=hide)
    try:
        outcome = work(context)
    except MissingLibrary as error:
        module.fail_json(
            msg=missing_required_lib(error.library, reason=error.reason, url=error.url),
            exception=error.trace,
            failure=error.as_dict(),
        )
    except Failure as error:
        module.fail_json(msg=str(error), failure=error.as_dict(), **error.result)
    result = dict(outcome.result)
    if outcome.diff is not None and module._diff:
        result["diff"] = outcome.diff
    module.exit_json(changed=outcome.changed, **result)


def _unset_if_empty(value: t.Any, spec: dict[str, t.Any], hide: t.Callable[[t.Iterable[str]], None]) -> t.Any:
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
        hide([value])
    return value
