# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name of a connection's host, the same in the inventory plugin and in the playbooks."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_DIGEST = 10
_LONGEST_SLUG = 40
# Letters from here on are not transliterated: Unicode still adds to them, and host names must not change.
_FIRST_STRANGE = "\u0250"


def host_name(key: str) -> str:
    """Return the host name of a connection: the same for the same key, different for different keys. Pure.

    It is the safe characters of the key and its digest, so that no server has the same one.
    """
    letters = "".join(unicodedata.normalize("NFKD", letter) if letter < _FIRST_STRANGE else " " for letter in key)
    words = re.sub(r"[^A-Za-z0-9._-]+", "-", re.sub("[\u0300-\u036f]", "", letters)).strip("-._")
    slug = words[:_LONGEST_SLUG].rstrip("-._") or "connection"
    return f"{slug}-{hashlib.sha256(key.encode('utf-8', 'surrogatepass')).hexdigest()[:_DIGEST]}"
