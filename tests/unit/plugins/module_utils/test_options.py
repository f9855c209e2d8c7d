# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options come from the environment where they are not set, and times are longer than nothing."""

from __future__ import annotations

import pytest
from ansible.module_utils.basic import AnsibleFallbackNotFound

from ansible_collections.community.immuta.plugins.module_utils import _options
from ansible_collections.community.immuta.plugins.module_utils._failure import InvalidOption
from ansible_collections.community.immuta.plugins.module_utils._immuta.errors import ConfigurationError


def test_the_first_variable_that_is_set_and_not_empty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FIRST_OF_TEST", "")
    monkeypatch.setenv("SECOND_OF_TEST", "2")
    monkeypatch.setenv("THIRD_OF_TEST", "3")
    assert _options.first_of_environment("NONE_OF_TEST", "FIRST_OF_TEST", "SECOND_OF_TEST", "THIRD_OF_TEST") == "2"
    with pytest.raises(AnsibleFallbackNotFound):
        _options.first_of_environment("NONE_OF_TEST", "FIRST_OF_TEST")
    with pytest.raises(AnsibleFallbackNotFound):
        _options.first_of_environment()


@pytest.mark.parametrize("seconds", [0, 0.0, -1])
@pytest.mark.parametrize("error", [InvalidOption, ConfigurationError])
def test_times_are_longer_than_nothing(seconds: float, error: type[InvalidOption]) -> None:
    params = {"timeout": 0.1, "wait": seconds}
    _options.require_positive(params, "timeout")
    with pytest.raises(error) as caught:
        _options.require_positive(params, "timeout", "wait", error=error)
    assert caught.value.message == "The option wait must be more than 0 seconds."
