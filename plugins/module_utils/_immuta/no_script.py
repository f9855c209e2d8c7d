# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why there is no script, in errors that say what to do."""

from __future__ import annotations

import typing as t

from ansible_collections.community.immuta.plugins.module_utils._immuta import errors, technologies
from ansible_collections.community.immuta.plugins.module_utils._immuta.configuration import Configuration


class NoCleanupScript(errors.ImmutaError):
    """Immuta has no script for connections of this technology.

    :param technology: in Immuta's words
    """

    code = "no_cleanup_script"

    def __init__(self, technology: str) -> None:
        about = technologies.of(technology)
        super().__init__(
            f"Immuta has no clean-up script for connections of the technology {technology!r} ({about.title}).",
            hint=f"Delete the connection. Look on the platform for {about.left}, which may be left there.",
            technology=technology,
            left_on_platform=about.left,
        )


class ScriptUnknown(errors.Refused):
    """Nobody here knows whether Immuta has a script for connections of this technology.

    :param subject: whose script is wanted
    :param technology: in Immuta's words
    """

    code = "script_unknown"

    def __init__(self, subject: object, technology: str) -> None:
        about = technologies.of(technology)
        super().__init__(
            f"It is not known whether Immuta has a clean-up script for {subject}: its technology is {technology!r}"
            f" ({about.title}), and Immuta renders none for it. Nothing was changed.",
            hint="Look in Immuta for a script, and save what it has. To continue without one, set"
            " without_script (in the role immuta_deregister_without_script) to true. This may be left on"
            f" the platform: {about.left}.",
            technology=technology,
        )


class EmptyScript(errors.ImmutaError):
    """The script holds no statement, which is more likely an error of Immuta's than the truth."""

    code = "empty_script"


class Contradiction(errors.ImmutaError):
    """Immuta's answers contradict each other, so none is believed."""

    code = "contradiction"


class ScriptLost(errors.ImmutaError):
    """Immuta can't render the script any more, there is no saved copy, and no other way led to one.

    :ivar known: what is known of the integration
    """

    code = "script_lost"

    def __init__(self, message: str, *, known: Configuration, **details: t.Any) -> None:
        super().__init__(message, **details)
        self.known = known
