# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the objects that a set-up script creates was created by this registration, and may be dropped when it is taken back."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.immuta.plugins.module_utils._sql import names, thing
from ansible_collections.community.immuta.plugins.plugin_utils._deregistration.settings import PLATFORMS
from ansible_collections.community.immuta.plugins.plugin_utils._registration.settings import PREFIX, Settings

Answer = t.Mapping[str, t.Any]
NEEDLESS = "   What the platform refuses because it needs what is not there, and was not created, is not needed."


@dataclasses.dataclass(frozen=True)
class Row:
    """An object that the set-up script creates.

    :ivar name: kind and name
    :ivar made: whether a statement that creates it has run; None if that is not known
    :ivar before: whether it was there before the first statement; None if that is not known
    :ivar now: whether it is there now; None if that is not known
    :ivar inside: whether it is in something that this registration has certainly created, and goes with it
    """

    name: str
    made: bool | None
    before: bool | None
    now: bool | None = None
    inside: bool = False

    @property
    def doubtful(self) -> bool:
        """Whether the journal alone does not show that this registration has created it."""
        return not self.inside and (self.made is not True or self.before is not False)

    @property
    def foreign(self) -> bool:
        """Whether it is there, and not of this registration."""
        if self.inside:
            return False
        if self.made is False and not self.before:
            return self.now is True
        return self.before is True and self.now is not False

    @property
    def missing(self) -> bool:
        """Whether this registration has not created it, and nobody else has."""
        return self.made is False and self.now is False

    @property
    def words(self) -> str:
        """Whose it is."""
        if self.missing:
            return "not created by this registration, and not there"
        if self.inside and self.before is not False:
            return "in what this registration has created"
        if self.before and self.made is False:
            return "there before this registration, and its CREATE has not run"
        if self.before:
            return "there before its CREATE ran"
        if self.made is False:
            seen = "" if self.now else "; whether it is there now is not known"
            return f"not created by this registration: its CREATE has not run{seen}"
        if self.made is None:
            known = "whether this registration created it is not known"
            return known if self.before is False else f"{known}, nor whether it was there before"
        return (
            "created by this registration"
            if self.before is False
            else "in the set-up script, which has run; whether it was there before is not known"
        )


def rows(setup: Answer, tried: Answer) -> list[Row]:
    """What the set-up script creates.

    :param setup: the script, as the module C(saved_scripts_info) returns it; empty if there is none
    :param tried: the look at the platform; empty if there was none
    """
    now = {(row["kind"], row["name"]): row["present"] for row in tried.get("objects") or ()}
    creates = setup.get("creates") or ()
    dialect = str(setup.get("technology") or "").lower()
    own = [_key(one, dialect) for one in creates if one["created"] is True and one["before"] is False]
    return [
        Row(
            f"{one['kind']} {one['name']}",
            one["created"],
            one["before"],
            now.get((one["kind"], one["name"])),
            inside=_is_inside(_key(one, dialect), own),
        )
        for one in creates
    ]


def _is_inside(mine: thing.Key, own: t.Iterable[thing.Key]) -> bool:
    return any(thing.is_or_holds(holder, mine) for holder in own if holder != mine)


def _key(one: Answer, dialect: str) -> thing.Key:
    return thing.key(one["kind"], names.parts(one["name"]), dialect)


def look(settings: Settings, setup: Answer) -> str:
    """The platform on which to look for what the set-up script creates, or ""."""
    due = settings.executor in PLATFORMS and any(row.doubtful for row in rows(setup, {}))
    return settings.executor if due else ""


def refused(settings: Settings, setup: Answer, tried: Answer) -> list[str]:
    """The reasons why the clean-up script may not run; empty if there are none."""
    foreign = [row for row in rows(setup, tried) if row.foreign and row.name not in settings.drop_existing]
    if not foreign:
        return []
    return [
        "The clean-up script drops objects by name, and these were not created by this registration:"
        f" {', '.join(f'{row.name} ({row.words})' for row in foreign)}. They may belong to another team. Nothing was deleted or"
        " dropped. Find out whose they are. If they may be dropped, name each in immuta_register_drop_existing, for example"
        f' ["{foreign[0].name}"], and rerun.'
    ]


def registered(existed: bool | None, undo: Answer) -> bool:
    """Whether a connection is there, or was when an earlier run began to take it back.

    :param undo: the clean-up script that is saved; Immuta renders it for an integration, or else from the description
    """
    return bool(existed) or undo.get("integration_id") is not None or undo.get("state") in ("partial", "finished")


def created(settings: Settings, setup: Answer, tried: Answer, *, registered: bool) -> dict[str, t.Any]:
    """What the clean-up script may take away, for the role that runs it; empty if no set-up script tells that.

    C(made) is what was created. C(never) is what was not created, and is not there: a statement that needs it is not needed
    itself. C(grants) is what was
    granted, or may have been; None for a connection that was registered, since Immuta may have granted and protected more by then.
    """
    if setup.get("creates") is None:
        return {}
    objects = [{"kind": one["kind"], "name": one["name"]} for one in setup["creates"]]
    never = [one for one, row in zip(objects, rows(setup, tried), strict=True) if row.missing]
    made = [one for one, row in zip(objects, setup["creates"], strict=True) if row["created"] is True]
    granted = [one["name"] for one in setup.get("grants") or () if one["granted"] is not False]
    return {
        "objects": objects,
        "made": made,
        "never": never,
        "grants": None if registered else granted,
        # The connection is registered when the set-up script has run to its end.
        "never_registered": not registered and setup.get("state") != "finished",
        "accepted": settings.drop_existing,
        "option": f"{PREFIX}drop_existing",
    }


def plan(settings: Settings, setup: Answer, undo: Answer, tried: Answer) -> list[str]:
    """The lines that say of each object whose it is."""
    if found := rows(setup, tried):
        accepted = dict.fromkeys(settings.drop_existing, "; it may be dropped (immuta_register_drop_existing)")
        said = [f"   {row.name}: {row.words}{accepted.get(row.name, '') if row.foreign else ''}" for row in found]
        needless = [NEEDLESS] if any(row.missing for row in found) else []
        return ["What the set-up script creates, and the clean-up script drops by name:", *said, *needless]
    if undo.get("state") in ("partial", "finished"):
        return []
    return [
        f"No journal of a set-up script at {settings.script_path} tells what this registration has created, so it is not known"
        " whether what the clean-up script drops was there before. Read its statements first."
    ]
