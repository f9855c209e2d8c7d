# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the environment has to say before a real connection is removed, and what will be done then.

As a program, says it, or why nothing will be done.
"""

from __future__ import annotations

import os
import sys
import time
import typing as t
from pathlib import Path

KEY = "LIVE_CONNECTION_KEY"
AGAIN = "LIVE_CONNECTION_MAY_BE_DELETED"
FOLDER = "LIVE_FOLDER"
URL = ("IMMUTA_URL", "IMMUTA_BASE_URL", "IMMUTA_HOST")
API_KEY = ("IMMUTA_API_KEY", "IMMUTA_API_TOKEN")
PLATFORM = (
    *("SNOWFLAKE_ACCOUNT", "SNOWFLAKE_HOST", "SNOWFLAKE_DEFAULT_CONNECTION_NAME"),
    *("DATABRICKS_HOST", "DATABRICKS_SERVER_HOSTNAME"),
)
# Seconds in which a person can still think better of it.
PAUSE = 10
Environment = t.Mapping[str, str]


def first(environ: Environment, names: t.Iterable[str]) -> str:
    """The value of the first variable that is set."""
    return next((environ[name].strip() for name in names if environ.get(name, "").strip()), "")


def complaints(environ: Environment) -> list[str]:
    """Why nothing is done, in a sentence each."""
    found = []
    if not first(environ, URL):
        found.append(f"Set {URL[0]} to the address of the tenant.")
    if not first(environ, API_KEY):
        found.append(f"Set {API_KEY[0]} to an API key whose owner has the permission APPLICATION_ADMIN.")
    if not first(environ, PLATFORM):
        found.append(
            f"Set {PLATFORM[0]} or DATABRICKS_HOST, and what it takes to sign in there, to the platform of the connection."
        )
    if not environ.get(KEY):
        found.append(
            f"Set {KEY} to the key of a connection that is to be removed, with all that Immuta has set up for it."
        )
    if not environ.get(AGAIN):
        found.append(f"Set {AGAIN} to the same key once more, to say that the connection may be deleted.")
    if environ.get(KEY) and environ.get(AGAIN) and environ[KEY] != environ[AGAIN]:
        found.append(
            f"{KEY} and {AGAIN} name two different connections: set both to the key of the one that may be deleted."
        )
    return found


def intentions(environ: Environment) -> list[str]:
    """What will be done."""
    key = environ[KEY]
    return [
        f"The connection {key!r} of the tenant {first(environ, URL)} will be removed, and can't be brought back:",
        "1. The probe records what the tenant answers; it only reads.",
        "2. The plan is made; it only reads.",
        "3. The removal is run without a confirmation, and must do nothing but plan.",
        "4. The clean-up script is saved, the connection is deleted, and the script is run on"
        f" {first(environ, PLATFORM)}.",
        "5. The same is run again, and must change nothing.",
        f"The script and the probe are kept in {folder(environ)}. If it breaks, keep that folder, and run it again.",
    ]


def folder(environ: Environment) -> Path:
    """Where the script and the probe are kept."""
    return Path(environ.get(FOLDER) or Path(__file__).parents[1] / "output" / "live").absolute()


def main() -> None:
    """Say it, and leave with 1 if nothing will be done."""
    if wrong := complaints(os.environ):
        sys.exit("\n".join(["Nothing was done.", *wrong]))
    print("\n".join(intentions(os.environ)), flush=True)
    if sys.stdout.isatty():
        print(f"Press Ctrl-C within {PAUSE} seconds if that is not what you want.", flush=True)
        time.sleep(PAUSE)


if __name__ == "__main__":
    main()
