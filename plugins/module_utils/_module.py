# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only file that knows AnsibleModule: options in, result or failure out.

A module calls C(run) with its implementation and its argument spec. The implementation takes a C(Context) and returns an
C(Outcome), or raises a C(Failure). It never calls exit_json or fail_json itself.

Every result has the start and the end of the module in C(timing), which Ansible does not record.
"""

from __future__ import annotations

import logging
import traceback
import typing as t

from ansible.module_utils.basic import AnsibleFallbackNotFound, AnsibleModule, _load_params, missing_required_lib

from ansible_collections.community.immuta.plugins.module_utils import _address, _options, _redact, _text, _utc
from ansible_collections.community.immuta.plugins.module_utils._context import Context, Outcome
from ansible_collections.community.immuta.plugins.module_utils._failure import Failure, MissingLibrary, bug

# Options that hold more than a secret; the code that reads them redacts what is secret in them.
TEXTS = frozenset({"script"})


# Whether a field of a dictionary, by its name and its value, may be shown.
Harmless = t.Mapping[str, t.Callable[[str, t.Any], bool]]


class Module(AnsibleModule):
    """AnsibleModule, which writes the options to the system's log before anything of ours runs.

    :param harmless: for options that are dictionaries, what tells which of their fields may be shown; the others are
        refused
    :param shown: the same for options that are secret as a whole for Ansible, of which the others are used
    """

    def __init__(self, *, harmless: Harmless | None = None, shown: Harmless | None = None, **spec: t.Any) -> None:
        self._harmless = harmless or {}
        self.shown = shown or {}
        super().__init__(**spec)

    def _log_invocation(self) -> None:
        for name, harmless in self._harmless.items():
            _mask_fields(self, name, harmless)
        _redact_options(self, self.params)
        super()._log_invocation()


def run(work: t.Callable[[Context], Outcome], argument_spec: dict[str, t.Any], **spec: t.Any) -> None:
    """Run C(work) as an Ansible module and leave the process with its result.

    :param work: the implementation
    :param argument_spec: the module's options
    :param spec: more arguments of C(Module) and AnsibleModule: C(mutually_exclusive), C(required_if), ...
    """
    started = _utc.now_zulu()
    # Without a handler, libraries would log to standard error, unredacted.
    logging.getLogger().addHandler(logging.NullHandler())
    module = Module(argument_spec=argument_spec, supports_check_mode=True, **spec)
    params = {
        name: _unset_if_empty(value, argument_spec.get(name, {}), module) for name, value in module.params.items()
    }
    _redact_options(module, params)
    _mask_hidden(module)
    context = Context(
        params=params,
        check_mode=module.check_mode,
        warn=lambda text: module.warn(_text.printable(_redact.redact_result(text))),
    )
    try:
        # First: other sentences would come out masked.
        _options.require_fit_secrets(params, argument_spec, TEXTS)
        # As they came: AnsibleModule has converted numbers to text, which is another text.
        _options.require_text(_load_params(), argument_spec)
        outcome = work(context)
    except MissingLibrary as error:
        module.fail_json(
            msg=missing_required_lib(error.library, reason=error.reason, url=error.url),
            exception=error.trace,
            failure=error.as_dict(),
            timing=_since(started),
        )
    except _options.UnfitSecret as error:
        if error.is_word:
            # Ansible would cut it out of the sentence, too, where it is a word like others.
            module.no_log_values.discard(error.value)
            _mask_options(module, argument_spec, error.value)
        module.fail_json(msg=str(error), failure=error.as_dict(), timing=_since(started))
    except Failure as error:
        result = _redact.redact_result({"msg": str(error), "failure": error.as_dict(), **error.result})
        # Ansible prints it as it is, and it may quote a server, or a key.
        module.fail_json(**{**result, "msg": _text.printable(result["msg"])}, timing=_since(started))
    except Exception as error:
        module.fail_json(**_bug(error), timing=_since(started))
    result = dict(outcome.result)
    if outcome.diff is not None and module._diff:
        result["diff"] = outcome.diff
    module.exit_json(changed=outcome.changed, **_redact.redact_result(result), timing=_since(started))


def _since(started: str) -> dict[str, str]:
    return {"started": started, "ended": _utc.now_zulu()}


def _mask_options(module: AnsibleModule, argument_spec: dict[str, t.Any], word: str) -> None:
    """Mask the secrets, and a word that is one, in what Ansible prints of the options."""
    module.params.update(_masked(module.params, argument_spec, word))


def _masked(params: dict[str, t.Any], spec: dict[str, t.Any], word: str) -> dict[str, t.Any]:
    masked = dict(params)
    for name, about in spec.items():
        value = params.get(name)
        if value and about.get("no_log"):
            masked[name] = _redact.MASK
        elif isinstance(value, dict) and "options" in about:
            masked[name] = _masked(value, about["options"], word)
        elif isinstance(value, str):
            masked[name] = value.replace(word, _redact.MASK)
    return masked


def _mask_fields(module: AnsibleModule, name: str, harmless: t.Callable[[str, t.Any], bool]) -> None:
    """Mask the fields of a dictionary unless they are certainly harmless: they are refused, and Ansible prints them."""
    given = module.params.get(name)
    if isinstance(given, dict):
        others = {field: value for field, value in given.items() if not (value is None or harmless(field, value))}
        _redact.add(_texts(others))
        module.params[name] = {**given, **dict.fromkeys(others, _redact.MASK)}


def _mask_hidden(module: Module) -> None:
    """Mask what may not be shown in the options, which Ansible prints: it would find only what is long enough."""
    for name, harmless in module.shown.items():
        module.params[name] = _without(module.params.get(name), harmless)


def _without(value: t.Any, harmless: t.Callable[[str, t.Any], bool], name: str = "") -> t.Any:
    """Return an option with a mask in the place of each field that may not be shown."""
    if isinstance(value, dict):
        return {field: _without(one, harmless, field) for field, one in value.items()}
    if isinstance(value, list):
        return [_without(one, harmless, name) for one in value]
    return value if value is None or harmless(name, value) else _redact.MASK


def _texts(value: t.Any) -> t.Iterator[str]:
    """Yield all texts in a value."""
    if isinstance(value, (dict, list)):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)
    elif isinstance(value, str):
        yield value


def _redact_options(module: Module, params: dict[str, t.Any]) -> None:
    options = _options.flat(params, module.argument_spec)
    secret = {name for name, (_value, about) in options.items() if about.get("no_log")} - TEXTS
    # In the place of something else, for example of the path of its file.
    keys = {name: value for name, (value, _about) in options.items() if _redact.PRIVATE_KEY.search(str(value))}
    secret |= keys.keys()
    module.no_log_values.update(value for value in keys.values() if isinstance(value, str))
    # Ansible itself prints the options.
    module.no_log_values.update(_redact.add_options({name: value for name, (value, _about) in options.items()}, secret))
    _redact.keep(
        value
        for name, (value, about) in options.items()
        if isinstance(value, str) and name not in secret and not about.get("no_log") and not _address.user_info(value)
    )
    kept = {value for name, (value, _about) in options.items() if name in secret and isinstance(value, str)}
    for name, shown in module.shown.items():
        fields = list(_options.leaves(params.get(name) or {}))
        # A short one is a part of other words, too: it is hidden in its place only.
        hidden = {
            str(value) for field, value in fields if not shown(field, value) and _options.may_be_secret(str(value))
        }
        # Ansible would hide all that is in the dictionary, wherever it occurs.
        module.no_log_values -= {str(value) for _field, value in fields} - hidden - kept
        _redact.add(hidden)


def _bug(error: Exception) -> dict[str, t.Any]:
    """Return the result for an unexpected exception. The exception's text is in the traceback only."""
    failure = bug(error)
    # The end of a traceback tells most.
    trace = traceback.format_exc()[-_redact.LONGEST_SEARCHED :]
    return {"msg": str(failure), "failure": failure.as_dict(), "exception": _redact.redact_message(trace)}


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
