# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later


"""The state of a stand-in Unity Catalog metastore: what exists, who owns it, who may do what, who may sign in.

Names are tuples of identifiers in lower case, outermost first: `("immuta", "policies", "mask_email")`. Nothing here
knows SQL or HTTP. Error conditions and SQLSTATEs are those of https://docs.databricks.com/error-messages, with the first
sentence of their texts, unless a comment says that they are not published.
"""

from __future__ import annotations

import secrets
import time
import typing as t
from dataclasses import dataclass, field

Name = tuple[str, ...]

# How many parts the full name of a securable of each kind has. The metastore itself has none.
PARTS: t.Final[dict[str, int]] = {
    "METASTORE": 0,
    "CATALOG": 1,
    "CONNECTION": 1,
    "EXTERNAL LOCATION": 1,
    "RECIPIENT": 1,
    "SHARE": 1,
    "STORAGE CREDENTIAL": 1,
    "SCHEMA": 2,
    "FUNCTION": 3,
    "TABLE": 3,
    "VIEW": 3,
    "VOLUME": 3,
}
EVERYBODY: t.Final = "account users"
# Service principals go by their application ids: that which runs clean-up scripts, and that which Immuta was given.
DEPLOYER: t.Final = "9d1f2c56-7f0e-4a0b-8b54-0c6a3a5c1e21"
IMMUTA: t.Final = "5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77"
# What ALL PRIVILEGES does not mean, neither given nor taken.
APART: t.Final = ("EXTERNAL USE LOCATION", "EXTERNAL USE SCHEMA", "MANAGE")
# The condition, SQLSTATE and text by which a missing securable is reported.
NOT_FOUND: t.Final = {
    "CATALOG": ("NO_SUCH_CATALOG_EXCEPTION", "42704", "Catalog '{0}' was not found. Please verify the spelling."),
    "SCHEMA": ("SCHEMA_NOT_FOUND", "42704", "The schema {1} cannot be found."),
    "FUNCTION": ("ROUTINE_NOT_FOUND", "42883", "The routine {1} cannot be found."),
    "TABLE": ("TABLE_OR_VIEW_NOT_FOUND", "42P01", "The table or view {1} cannot be found."),
    "VIEW": ("TABLE_OR_VIEW_NOT_FOUND", "42P01", "The table or view {1} cannot be found."),
}


class SqlError(Exception):
    """An answer of the warehouse that is an error.

    :param condition: the error condition's name
    :param state: the SQLSTATE
    :param message: the text alone; `message` has condition and SQLSTATE around it, as clients see it
    """

    def __init__(self, condition: str, state: str, message: str) -> None:
        self.condition = condition
        self.state = state
        self.message = f"[{condition}] {message} SQLSTATE: {state}"
        super().__init__(self.message)


class SignInError(Exception):
    """A token, or a client's secret, that is worth nothing."""


def dotted(name: Name) -> str:
    """A name as the privileges' error messages show it."""
    return ".".join(name)


def quoted(name: Name) -> str:
    """A name as most error messages show it."""
    return ".".join(f"`{part}`" for part in name)


def missing(kind: str, name: Name) -> SqlError:
    """What Databricks says of a securable that is not there."""
    # Of the other kinds the catalog service's error codes are known, which are none of SQL, and have no SQLSTATE.
    other = (f"{kind.replace(' ', '_')}_DOES_NOT_EXIST", "42704", f"{kind.capitalize()} '{{0}}' does not exist.")
    condition, state, text = NOT_FOUND.get(kind, other)
    return SqlError(condition, state, text.format(dotted(name), quoted(name)))


def denied(what: str) -> SqlError:
    """What Databricks says to someone without the privilege."""
    return SqlError("INSUFFICIENT_PERMISSIONS", "42501", f"Insufficient privileges:\n{what}")


@dataclass
class Securable:
    """Anything that has a name and an owner.

    :ivar masks: of a table: the function that masks a column, by the column
    :ivar row_filter: of a table: the function that filters its rows
    """

    kind: str
    name: Name
    owner: str
    comment: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    masks: dict[str, Name] = field(default_factory=dict)
    row_filter: Name | None = None


@dataclass(frozen=True, order=True)
class Grant:
    """A privilege of a principal on one securable."""

    privilege: str
    kind: str
    name: Name
    principal: str


@dataclass
class Token:
    """What a request may be signed with.

    :ivar expires: on the monotonic clock; None for a personal access token, which lives on
    """

    principal: str
    expires: float | None = None


class Metastore:
    """One metastore with its account's principals. `Metastore.example()` is what most tests want.

    :param admins: the group that owns the metastore
    """

    def __init__(self, admins: str = "metastore admins") -> None:
        self.admins = admins
        self.principals: set[str] = {EVERYBODY, admins}
        self.members: dict[str, set[str]] = {admins: set()}
        # The display names of service principals.
        self.titles: dict[str, str] = {}
        self.securables: dict[tuple[str, Name], Securable] = {}
        self.grants: set[Grant] = set()
        self._tokens: dict[str, Token] = {}
        self._secrets: dict[str, str] = {}
        self.add("METASTORE", owner=admins)

    @classmethod
    def before(cls, token: str = "dapi-deployer", secret: str = "deployer-secret") -> Metastore:
        """A metastore with a site's own data, the principal of Immuta, and two who may set Immuta up.

        :param token: the personal access token of deployer@example.com, a metastore admin
        :param secret: the secret of the service principal `DEPLOYER`, a metastore admin too
        """
        store = cls()
        store.add_principal("deployer@example.com", token=token)
        store.add_principal(DEPLOYER, secret=secret)
        store.add_principal("analyst@example.com", token="dapi-analyst")
        store.add_principal(IMMUTA, secret="set-up-by-immuta", title="Immuta prod")
        store.members[store.admins] |= {"deployer@example.com", DEPLOYER}

        store.add("CATALOG", "main", owner=store.admins)
        store.add("CATALOG", "system", owner=store.admins)
        store.add("CATALOG", "sales", owner=store.admins)
        store.add("SCHEMA", "sales", "crm", owner=store.admins)
        store.add("TABLE", "sales", "crm", "customers", owner=store.admins)
        store.add("TABLE", "sales", "crm", "leads", owner=store.admins)
        store.add("VOLUME", "sales", "crm", "landing", owner=store.admins)
        store.grants.add(Grant("USE CATALOG", "CATALOG", ("sales",), EVERYBODY))
        return store

    @classmethod
    def example(cls, token: str = "dapi-deployer", secret: str = "deployer-secret") -> Metastore:
        """A metastore in which Immuta was set up, a site's own data, and two principals who may clean up.

        :param token: the personal access token of deployer@example.com, a metastore admin
        :param secret: the secret of the service principal `DEPLOYER`, a metastore admin too
        """
        store = cls.before(token, secret)
        customers = store.securables["TABLE", ("sales", "crm", "customers")]

        store.add("CATALOG", "immuta", owner=IMMUTA)
        store.add("SCHEMA", "immuta", "policies", owner=IMMUTA)
        store.add("TABLE", "immuta", "policies", "profile", owner=IMMUTA)
        mask = store.add("FUNCTION", "immuta", "policies", "mask_email", owner=IMMUTA)
        rows = store.add("FUNCTION", "immuta", "policies", "rows_by_region", owner=IMMUTA)
        customers.masks["email"] = mask.name
        customers.row_filter = rows.name
        for privilege, kind, name in (
            ("CREATE CATALOG", "METASTORE", ()),
            ("USE CATALOG", "CATALOG", ("sales",)),
            ("USE SCHEMA", "CATALOG", ("sales",)),
            ("MODIFY", "CATALOG", ("sales",)),
            ("SELECT", "CATALOG", ("system",)),
        ):
            store.grants.add(Grant(privilege, kind, name, IMMUTA))
        store.grants.add(Grant("USE CATALOG", "CATALOG", ("immuta",), EVERYBODY))
        return store

    # What is there

    def add(self, kind: str, *name: str, owner: str) -> Securable:
        """Put a securable there, whoever asks. A catalog brings its schemas default and information_schema."""
        if len(name) != PARTS[kind]:
            raise ValueError(f"the name of a {kind} has {PARTS[kind]} parts: {name}")
        securable = self.securables[kind, name] = Securable(kind, name, owner)
        if kind == "CATALOG":
            self.add("SCHEMA", *name, "default", owner=owner)
            self.add("SCHEMA", *name, "information_schema", owner=owner)
        return securable

    def exists(self, kind: str, *name: str) -> bool:
        """Whether there is such a securable."""
        return (kind, name) in self.securables

    def names(self, kind: str, *inside: str) -> list[str]:
        """The full names of all securables of a kind, sorted; of those in a catalog or schema when one is given."""
        return sorted(dotted(n) for found, n in self.securables if found == kind and n[: len(inside)] == inside)

    def snapshot(self) -> dict[str, t.Any]:
        """Everything that can be told, as JSON types, without a credential."""
        everything = sorted(self.securables.values(), key=lambda securable: (securable.kind, securable.name))
        return {
            "securables": {kind.lower(): self.names(kind) for kind in PARTS if PARTS[kind]},
            "owners": {f"{s.kind.lower()} {dotted(s.name)}".strip(): s.owner for s in everything},
            "comments": {dotted(s.name): s.comment for s in everything if s.comment is not None},
            "tags": {dotted(s.name): s.tags for s in everything if s.tags},
            "masks": [[dotted(s.name), column, dotted(f)] for s in everything for column, f in sorted(s.masks.items())],
            "row_filters": [[dotted(s.name), dotted(s.row_filter)] for s in everything if s.row_filter],
            "grants": [[g.privilege, g.kind, dotted(g.name), g.principal] for g in sorted(self.grants)],
        }

    # Who is who

    def add_principal(
        self, name: str, *, token: str | None = None, secret: str | None = None, title: str | None = None
    ) -> None:
        """Add a user, a group, or a service principal, which goes by its application id.

        :param token: a personal access token
        :param secret: an OAuth secret of a service principal
        :param title: the display name of a service principal
        """
        self.principals.add(name)
        if title is not None:
            self.titles[name] = title
        if token is not None:
            self._tokens[token] = Token(name)
        if secret is not None:
            self._secrets[name] = secret

    def issue(self, client: str, secret: str, seconds: float) -> str:
        """A bearer token for a service principal.

        :raises SignInError: there is no such client, or the secret is wrong
        """
        if not secret or self._secrets.get(client) != secret:
            raise SignInError("Client authentication failed")
        token = secrets.token_hex(16)
        self._tokens[token] = Token(client, time.monotonic() + seconds)
        return token

    def expire(self, token: str) -> None:
        """Let a token be one that has expired."""
        self._tokens[token].expires = time.monotonic()

    def sign_in(self, token: str) -> str:
        """The principal that a token belongs to.

        :raises SignInError: none, or it has expired
        """
        known = self._tokens.get(token)
        if known is None:
            raise SignInError("Invalid access token.")
        if known.expires is not None and time.monotonic() >= known.expires:
            raise SignInError("Access token has expired.")
        return known.principal

    def identities(self, principal: str) -> set[str]:
        """A principal and the groups it is in."""
        return {principal, EVERYBODY, *(group for group, members in self.members.items() if principal in members)}

    def is_admin(self, principal: str) -> bool:
        """Whether the metastore is the principal's."""
        return self.admins in self.identities(principal)

    def known(self, principal: str) -> str:
        """A principal's name.

        :raises SqlError: there is none of this name
        """
        if principal not in self.principals:
            # The condition is the catalog service's; its SQLSTATE is not published.
            raise SqlError("PRINCIPAL_DOES_NOT_EXIST", "42704", f"Could not find principal with name {principal}.")
        return principal

    # Who may do what

    def see(self, kind: str, name: Name) -> Securable:
        """A securable; a view may be called a table.

        :raises SqlError: it isn't there, or the first of its parents that isn't
        """
        for parent, upper in (("CATALOG", name[:1]), ("SCHEMA", name[:2])):
            if len(upper) < len(name) and not self.exists(parent, *upper):
                raise missing(parent, upper)
        for like in (kind, "VIEW") if kind == "TABLE" else (kind,):
            if (like, name) in self.securables:
                return self.securables[like, name]
        raise missing(kind, name)

    def allowed(self, principal: str, privilege: str, kind: str, name: Name) -> bool:
        """Whether a principal has a privilege on a securable: by a grant or as owner, of it or of what it is in."""
        identities = self.identities(principal)
        places = [(kind, name), *[place for place in (("CATALOG", name[:1]), ("SCHEMA", name[:2])) if place[1]]]
        given = {
            grant.privilege
            for grant in self.grants
            if grant.principal in identities
            for place in places
            if (grant.kind, grant.name) == place
        }
        # Who has MANAGE can give oneself everything else.
        if given & {privilege, "MANAGE"} or ("ALL PRIVILEGES" in given and privilege not in APART):
            return True
        return any(self.securables[place].owner in identities for place in places if place in self.securables)

    def interacts(self, principal: str, securable: Securable) -> bool:
        """Whether metadata shows a securable to a principal."""
        identities = self.identities(principal)
        places = {(securable.kind, securable.name), ("CATALOG", securable.name[:1]), ("SCHEMA", securable.name[:2])}
        given = any((g.kind, g.name) in places and g.principal in identities for g in self.grants)
        return given or self.is_admin(principal) or self.allowed(principal, "MANAGE", securable.kind, securable.name)

    def knows(self, principal: str, grant: Grant) -> bool:
        """Whether a principal may know of a grant: of one's own, and of those on what one may manage."""
        own = grant.principal in self.identities(principal)
        return own or self.is_admin(principal) or self.allowed(principal, "MANAGE", grant.kind, grant.name)

    def manage(self, principal: str, kind: str, name: Name, *, admin: bool = False) -> Securable:
        """A securable that a principal owns or may manage; metastore admins may manage what isn't inside a catalog.

        :param admin: to be a metastore admin is enough in any case, as for ownership and grants
        """
        securable = self.see(kind, name)
        if (admin or PARTS[kind] < 2) and self.is_admin(principal):
            return securable
        if not self.allowed(principal, "MANAGE", securable.kind, name):
            raise denied(f"User does not have MANAGE on {kind.title()} '{dotted(name)}'.")
        return securable

    def use(self, principal: str, kind: str, name: Name) -> None:
        """Raise unless a principal may make this catalog or schema the current one."""
        self.see(kind, name)
        if (
            kind == "CATALOG"
            and not self.is_admin(principal)
            and not self.allowed(principal, "USE CATALOG", kind, name)
        ):
            raise denied(f"User does not have USE CATALOG on Catalog '{dotted(name)}'.")

    # What can be done

    def create(self, principal: str, kind: str, name: Name, *, if_not_exists: bool, comment: str | None) -> None:
        """Create a catalog, or a schema in one; it is the principal's."""
        outer = ("METASTORE", ()) if kind == "CATALOG" else ("CATALOG", name[:1])
        self.see(*outer)
        if not self.is_admin(principal) and not self.allowed(principal, f"CREATE {kind}", *outer):
            raise denied(f"User does not have CREATE {kind} on {outer[0].title()} '{dotted(outer[1])}'.")
        if self.exists(kind, *name):
            if if_not_exists:
                return
            # Of a catalog, neither condition nor SQLSTATE is published.
            raise SqlError(
                f"{kind}_ALREADY_EXISTS",
                "42P06",
                f"Cannot create {kind.lower()} {quoted(name)} because it already exists.\nChoose a different name, drop or "
                f"replace the existing {kind.lower()}, or add the IF NOT EXISTS clause to tolerate pre-existing "
                f"{kind.lower()}.",
            )
        self.add(kind, *name, owner=principal).comment = comment

    def drop(self, principal: str, kind: str, name: Name, *, if_exists: bool, cascade: bool) -> None:
        """Drop a securable and, with `cascade`, what is in it; its grants go too."""
        try:
            securable = self.see(kind, name)
        except SqlError:
            if if_exists:
                return
            raise
        if securable.kind != kind:
            raise SqlError(
                "WRONG_COMMAND_FOR_OBJECT_TYPE",
                "42809",
                f"The operation DROP TABLE requires a EXTERNAL or MANAGED. But {quoted(name)} is a VIEW. Use DROP VIEW "
                "instead.",
            )
        self.manage(principal, kind, name)
        inside = [s for s in self.securables.values() if s.name[: len(name)] == name and len(s.name) > len(name)]
        own = ("default", "information_schema") if kind == "CATALOG" else ()
        if not cascade and any(len(s.name) > 2 or s.name[1] not in own for s in inside) and PARTS[kind] < 3:
            raise self._not_empty(kind, name)
        gone = {(s.kind, s.name) for s in (securable, *inside)}
        self._refuse_while_used(gone)
        for key in gone:
            del self.securables[key]
        self.grants = {grant for grant in self.grants if (grant.kind, grant.name) not in gone}

    @staticmethod
    def _not_empty(kind: str, name: Name) -> SqlError:
        if kind == "SCHEMA":
            return SqlError(
                "SCHEMA_NOT_EMPTY",
                "2BP01",
                f"Cannot drop a schema {quoted(name)} because it contains objects.\nUse DROP SCHEMA ... CASCADE to "
                "drop the schema and all its objects.",
            )
        # The catalog service's text; neither condition nor SQLSTATE is published.
        return SqlError("CATALOG_NOT_EMPTY", "2BP01", f"Catalog '{dotted(name)}' is not empty.")

    def _refuse_while_used(self, gone: set[tuple[str, Name]]) -> None:
        """Raise when a function that is to go masks or filters a table that stays."""
        for table in self.securables.values():
            if (table.kind, table.name) in gone:
                continue
            for function in sorted({*table.masks.values(), *([table.row_filter] if table.row_filter else [])}):
                if ("FUNCTION", function) in gone:
                    # Neither condition, SQLSTATE nor text is published: nothing should be decided by them.
                    raise SqlError(
                        "DEPENDENT_OBJECTS_EXIST",
                        "2BP01",
                        f"Cannot drop function {quoted(function)} because table {quoted(table.name)} uses it as a "
                        "column mask or row filter.",
                    )

    def set_owner(self, principal: str, kind: str, name: Name, owner: str) -> None:
        """Give a securable to another principal; what is in it keeps its owners."""
        self.manage(principal, kind, name, admin=True).owner = self.known(owner)

    def grant(self, principal: str, privilege: str, kind: str, name: Name, grantee: str) -> None:
        """Give a privilege."""
        securable = self.manage(principal, kind, name, admin=True)
        self.grants.add(Grant(privilege, securable.kind, name, self.known(grantee)))

    def revoke(self, principal: str, privilege: str, kind: str, name: Name, grantee: str) -> None:
        """Take a privilege, or with ALL PRIVILEGES it and those that it means; that there was none is no error."""
        securable = self.manage(principal, kind, name, admin=True)
        self.known(grantee)
        self.grants = {
            grant
            for grant in self.grants
            if (grant.kind, grant.name, grant.principal) != (securable.kind, name, grantee)
            or (grant.privilege in APART if privilege == "ALL PRIVILEGES" else grant.privilege != privilege)
        }
