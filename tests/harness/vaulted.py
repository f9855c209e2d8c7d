# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values that are vaulted in line, as YAML files have them."""

from __future__ import annotations

import textwrap
import typing as t

import pytest
from ansible.parsing import vault
from ansible.parsing.dataloader import DataLoader


def vaulted(text: str, monkeypatch: pytest.MonkeyPatch) -> t.Any:
    """Return a text as Ansible reads it behind C(!vault), with the password at hand."""
    secrets = [("default", vault.VaultSecret(b"vault-password"))]
    if hasattr(vault, "VaultSecretsContext"):
        monkeypatch.setattr(vault.VaultSecretsContext, "_current", vault.VaultSecretsContext(secrets))
    loader = DataLoader()
    loader.set_vault_secrets(t.cast("t.Any", secrets))
    encrypted = vault.VaultLib(secrets).encrypt(text, secrets[0][1]).decode()
    return loader.load(f"value: !vault |\n{textwrap.indent(encrypted, '  ')}\n")["value"]
