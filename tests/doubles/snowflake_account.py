# Copyright (c) 2026 The community.immuta contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state of a stand-in Snowflake account: what exists, who owns it, who may do what, who may sign in.

Names are tuples of exact identifiers, outermost first: `("IMMUTA", "PUBLIC", "MASK_EMAIL")`. Nothing here knows SQL or
HTTP.
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import json
import re
import time
import typing as t
from dataclasses import dataclass, field

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

Name = tuple[str, ...]

# How many parts the full name of an object of each kind has.
PARTS: t.Final[dict[str, int]] = {
    "DATABASE": 1,
    "INTEGRATION": 1,
    "NETWORK POLICY": 1,
    "RESOURCE MONITOR": 1,
    "ROLE": 1,
    "SHARE": 1,
    "USER": 1,
    "WAREHOUSE": 1,
    "DATABASE ROLE": 2,
    "SCHEMA": 2,
    "FUNCTION": 3,
    "MASKING POLICY": 3,
    "NETWORK RULE": 3,
    "PROCEDURE": 3,
    "ROW ACCESS POLICY": 3,
    "SEQUENCE": 3,
    "STAGE": 3,
    "STREAM": 3,
    "TABLE": 3,
    "TAG": 3,
    "TASK": 3,
    "VIEW": 3,
}
PLAIN: t.Final = re.compile(r"[A-Z_][A-Z0-9_$]*")
# Kinds that every role can see by name; others stay hidden without a privilege.
VISIBLE_TO_ALL: t.Final = ("ROLE", "USER")


class SqlError(Exception):
    """An answer of the account that is an error.

    :param code: Snowflake's error number
    :param state: the SQLSTATE
    """

    def __init__(self, code: int, state: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.state = state
        self.message = message


class SignInError(Exception):
    """A refused sign-in, with the number that goes over the wire."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def plural(kind: str) -> str:
    """The kind as `SHOW` and `GRANT ... ON ALL` spell it."""
    return f"{kind[:-1]}IES" if kind.endswith("Y") else f"{kind}S"


def dotted(name: Name) -> str:
    """A name as error messages show it."""
    return ".".join(name)


def shown(name: Name) -> str:
    """A name as `SHOW GRANTS` has it, with quotes where SQL needs them."""
    return ".".join(part if PLAIN.fullmatch(part) else '"{}"'.format(part.replace('"', '""')) for part in name)


def missing(kind: str, name: Name) -> SqlError:
    """What Snowflake says of an object that is not there, or that the role may not see."""
    return SqlError(
        2003, "02000", f"SQL compilation error:\n{kind.capitalize()} '{dotted(name)}' does not exist or not authorized."
    )


def denied(kind: str, name: Name) -> SqlError:
    """What Snowflake says when the role sees the object and may not do this with it."""
    what = f"{kind.lower()} '{name[-1]}'" if name else "'ACCOUNT'"
    return SqlError(3001, "42501", f"SQL access control error:\nInsufficient privileges to operate on {what}.")


@dataclass
class Entity:
    """Anything that has a name and an owner; `properties` are what `SET` and `UNSET` change."""

    kind: str
    name: Name
    owner: str
    properties: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, order=True)
class Grant:
    """A privilege of a role on one object; on the account itself the kind is ACCOUNT and the name empty."""

    privilege: str
    kind: str
    name: Name
    role: str


@dataclass(frozen=True, order=True)
class Membership:
    """A role given to a role or a user."""

    role: str
    grantee_kind: str
    grantee: str


@dataclass(frozen=True, order=True)
class Attachment:
    """A policy that protects a table (row access policy) or one of its columns (masking policy).

    :ivar recent: too new for ACCOUNT_USAGE, which runs hours behind
    """

    policy_kind: str
    policy: Name
    table: Name
    column: str = ""
    recent: bool = False


@dataclass
class Credentials:
    """What a user can sign in with.

    :ivar public_key: the RSA key in PEM
    :ivar locked: too many failed attempts
    """

    password: str | None = None
    public_key: str | None = None
    access_token: str | None = None
    oauth_token: str | None = None
    locked: bool = False


class Account:
    """One account. `Account.example()` is what most tests want.

    :param name: the account's locator, as in the connector's `account` option
    :param full_name: organization and account name, with a dash between
    :param region: as CURRENT_REGION() tells it
    """

    def __init__(
        self, name: str = "EXAMPLE", full_name: str = "EXAMPLEORG-PROD", region: str = "AWS_US_WEST_2"
    ) -> None:
        self.name = name.upper()
        self.organization, _dash, self.account_name = full_name.upper().partition("-")
        self.region = region
        self.entities: dict[tuple[str, Name], Entity] = {}
        self.grants: set[Grant] = set()
        self.memberships: set[Membership] = set()
        self.attachments: set[Attachment] = set()
        self.credentials: dict[str, Credentials] = {}
        self.parameters: dict[str, str] = {}
        # Rows of tables, by column; only what statements have put there.
        self.rows: dict[Name, list[dict[str, str | None]]] = {}
        self._detach_attempts: int | None = None
        self._detach_at: float | None = None
        for role in ("ACCOUNTADMIN", "SECURITYADMIN", "USERADMIN", "SYSADMIN", "PUBLIC"):
            self.add("ROLE", role, owner="ACCOUNTADMIN")
        self.give_role("SYSADMIN", role="ACCOUNTADMIN")
        self.give_role("SECURITYADMIN", role="ACCOUNTADMIN")
        self.give_role("USERADMIN", role="SECURITYADMIN")
        for role, privileges in {
            "ACCOUNTADMIN": ("APPLY MASKING POLICY", "APPLY ROW ACCESS POLICY", "CREATE INTEGRATION"),
            "SECURITYADMIN": ("MANAGE GRANTS", "CREATE NETWORK POLICY"),
            "USERADMIN": ("CREATE ROLE", "CREATE USER"),
            "SYSADMIN": ("CREATE DATABASE", "CREATE WAREHOUSE"),
        }.items():
            self.grants.update(Grant(privilege, "ACCOUNT", (), role) for privilege in privileges)

    @classmethod
    def before(cls, password: str = "deployer-password") -> Account:
        """An account with a site's own data, and DEPLOYER, who may set Immuta up.

        :param password: DEPLOYER's password
        """
        account = cls()
        account.add("WAREHOUSE", "COMPUTE_WH", owner="SYSADMIN")
        account.add_user("DEPLOYER", password=password)
        for role in ("ACCOUNTADMIN", "SECURITYADMIN", "USERADMIN", "SYSADMIN"):
            account.give_role(role, user="DEPLOYER")
        account.add_user("ANALYST", password="analyst-password")

        account.add("DATABASE", "SALES", owner="SYSADMIN")
        account.add("SCHEMA", "SALES", "CRM", owner="SYSADMIN")
        account.add("TABLE", "SALES", "CRM", "CUSTOMERS", owner="SYSADMIN")
        account.add("TABLE", "SALES", "CRM", "LEADS", owner="SYSADMIN")
        return account

    @classmethod
    def example(cls, password: str = "deployer-password", *, protecting: bool = False) -> Account:
        """An account with a connection registered by Immuta, a site's own data, and DEPLOYER, who may clean up.

        :param password: DEPLOYER's password
        :param protecting: a policy has come to protect a table so lately that a script can't find it: Immuta itself
            takes it off once the connection is deleted
        """
        account = cls.before(password)
        account.add("ROLE", "IMMUTA_SYSTEM", owner="USERADMIN")
        account.add_user("IMMUTA_SYSTEM_ACCOUNT", password="set-up-by-immuta", default_role="IMMUTA_SYSTEM")
        account.give_role("IMMUTA_SYSTEM", user="IMMUTA_SYSTEM_ACCOUNT")
        account.give_role("IMMUTA_SYSTEM", role="SYSADMIN")
        for privilege in ("APPLY MASKING POLICY", "APPLY ROW ACCESS POLICY", "MANAGE GRANTS", "CREATE ROLE"):
            account.grants.add(Grant(privilege, "ACCOUNT", (), "IMMUTA_SYSTEM"))
        account.grants.add(Grant("USAGE", "WAREHOUSE", ("COMPUTE_WH",), "IMMUTA_SYSTEM"))
        account.grants.add(Grant("USAGE", "DATABASE", ("SALES",), "IMMUTA_SYSTEM"))

        account.add("DATABASE", "IMMUTA", owner="IMMUTA_SYSTEM")
        account.add("SCHEMA", "IMMUTA", "IMMUTA_SYSTEM", owner="IMMUTA_SYSTEM")
        account.add("TABLE", "IMMUTA", "IMMUTA_SYSTEM", "PROFILE", owner="IMMUTA_SYSTEM")
        account.add("MASKING POLICY", "IMMUTA", "PUBLIC", "MASK_EMAIL", owner="IMMUTA_SYSTEM")
        account.add("ROW ACCESS POLICY", "IMMUTA", "PUBLIC", "ROWS_BY_REGION", owner="IMMUTA_SYSTEM")
        account.grants.add(Grant("USAGE", "DATABASE", ("IMMUTA",), "PUBLIC"))
        customers = ("SALES", "CRM", "CUSTOMERS")
        account.attach("MASKING POLICY", ("IMMUTA", "PUBLIC", "MASK_EMAIL"), customers, "EMAIL")
        account.attach("ROW ACCESS POLICY", ("IMMUTA", "PUBLIC", "ROWS_BY_REGION"), customers)
        if protecting:
            leads = ("SALES", "CRM", "LEADS")
            account.attach("ROW ACCESS POLICY", ("IMMUTA", "PUBLIC", "ROWS_BY_REGION"), leads, recent=True)
        return account

    # What is there

    def add(self, kind: str, *name: str, owner: str, properties: t.Mapping[str, str] | None = None) -> Entity:
        """Put an object there, whoever asks. A database brings its schema PUBLIC."""
        if len(name) != PARTS[kind]:
            raise ValueError(f"the name of a {kind} has {PARTS[kind]} parts: {name}")
        entity = self.entities[kind, name] = Entity(kind, name, owner, dict(properties or {}))
        if kind == "DATABASE":
            self.add("SCHEMA", *name, "PUBLIC", owner=owner)
        return entity

    def add_user(
        self,
        name: str,
        *,
        owner: str = "USERADMIN",
        password: str | None = None,
        public_key: rsa.RSAPublicKey | None = None,
        access_token: str | None = None,
        oauth_token: str | None = None,
        default_role: str = "PUBLIC",
    ) -> None:
        """Add a user who can sign in with each of the credentials that are given."""
        self.add("USER", name, owner=owner, properties={"DEFAULT_ROLE": default_role})
        self.credentials[name] = Credentials(
            password=password,
            public_key=None if public_key is None else pem(public_key),
            access_token=access_token,
            oauth_token=oauth_token,
        )

    def exists(self, kind: str, *name: str) -> bool:
        """Whether there is such an object."""
        return (kind, name) in self.entities

    def names(self, kind: str) -> list[str]:
        """The names of all objects of a kind, sorted."""
        return sorted(dotted(name) for found, name in self.entities if found == kind)

    def snapshot(self) -> dict[str, t.Any]:
        """Everything that can be told, as JSON types, without a credential."""
        return {
            **{plural(kind).lower().replace(" ", "_"): self.names(kind) for kind in PARTS},
            "grants": [[g.privilege, g.kind, dotted(g.name), g.role] for g in sorted(self.grants)],
            "memberships": [[m.role, m.grantee_kind, m.grantee] for m in sorted(self.memberships)],
            "attachments": [[dotted(a.policy), dotted(a.table), a.column] for a in sorted(self.attachments)],
        }

    # Policies on tables

    def attach(self, kind: str, policy: Name, table: Name, column: str = "", *, recent: bool = False) -> None:
        """Protect a table, or a column of it, by a policy."""
        self.attachments.add(Attachment(kind, policy, table, column, recent))

    def detach_after(self, *, attempts: int | None = None, seconds: float | None = None) -> None:
        """Let the policies go, as Immuta does in the background once a connection is deleted.

        :param attempts: this many drops are refused from now on, the next one finds the policies detached
        :param seconds: they are detached so long from now
        """
        self._detach_attempts = attempts
        self._detach_at = None if seconds is None else time.monotonic() + seconds

    def _refuse_while_protecting(self, word: str, inside: Name) -> None:
        """Raise when a policy in `inside` protects a table of another database."""
        if self._detach_at is not None and time.monotonic() >= self._detach_at:
            self.attachments.clear()
        elsewhere = [
            a for a in sorted(self.attachments) if a.policy[: len(inside)] == inside and a.table[0] != inside[0]
        ]
        if not elsewhere:
            return
        if self._detach_attempts is not None:
            if self._detach_attempts == 0:
                self.attachments.clear()
                return
            self._detach_attempts -= 1
        # The text is Snowflake's; its number is not published, so nothing should be decided by it.
        raise SqlError(
            3998,
            "0A000",
            f"SQL execution error:\nCannot drop {word} because: Policy '{dotted(elsewhere[0].policy)}' used by "
            f"schema '{elsewhere[0].table[1]}' in another database",
        )

    # Who may do what

    def give_role(self, role_given: str, *, role: str | None = None, user: str | None = None) -> None:
        """Give a role to a role or to a user."""
        kind, grantee = ("ROLE", role) if role is not None else ("USER", user)
        if grantee is None:
            raise ValueError("give_role needs a role or a user")
        self.memberships.add(Membership(role_given, kind, grantee))

    def inherited(self, roles: t.Iterable[str]) -> set[str]:
        """These roles and all whose privileges they have."""
        found = {"PUBLIC"}
        todo = list(roles)
        while todo:
            role = todo.pop()
            if role not in found:
                found.add(role)
                todo += [m.role for m in self.memberships if (m.grantee_kind, m.grantee) == ("ROLE", role)]
        return found

    def roles_of(self, user: str) -> set[str]:
        """Every role that a user can take."""
        return self.inherited(m.role for m in self.memberships if (m.grantee_kind, m.grantee) == ("USER", user))

    def allowed(self, roles: set[str], privilege: str, kind: str = "ACCOUNT", name: Name = ()) -> bool:
        """Whether one of the roles has a privilege."""
        return any(Grant(privilege, kind, name, role) in self.grants for role in roles)

    def require(self, roles: set[str], privilege: str) -> None:
        """Raise unless one of the roles has a privilege on the account."""
        if not self.allowed(roles, privilege):
            raise denied("ACCOUNT", ())

    def see(self, roles: set[str], kind: str, name: Name) -> Entity:
        """The object, when the roles may know of it; else the error that doesn't tell absent from forbidden."""
        entity = self.entities.get((kind, name))
        if entity is None or not self._visible(roles, entity):
            raise missing(kind, name)
        return entity

    def own(self, roles: set[str], kind: str, name: Name, *, or_manage_grants: bool = False) -> Entity:
        """The object, when one of the roles owns it.

        :param or_manage_grants: MANAGE GRANTS will do, as for giving and taking privileges
        """
        entity = self.see(roles, kind, name)
        if entity.owner in roles or (or_manage_grants and self.allowed(roles, "MANAGE GRANTS")):
            return entity
        raise denied(kind, name)

    def _visible(self, roles: set[str], entity: Entity) -> bool:
        return (
            entity.owner in roles
            or entity.kind in VISIBLE_TO_ALL
            or self.allowed(roles, "MANAGE GRANTS")
            or any(g.kind == entity.kind and g.name == entity.name and g.role in roles for g in self.grants)
        )

    def knows(self, roles: set[str], grant: Grant) -> bool:
        """Whether roles may know of a grant: of what they have, and of what is on something that they see."""
        if grant.role in roles or self.allowed(roles, "MANAGE GRANTS"):
            return True
        kind = grant.kind.removeprefix("FUTURE ")
        entity = self.entities.get((kind, grant.name))
        return kind == "ACCOUNT" or (entity is not None and self._visible(roles, entity))

    def visible(self, roles: set[str], kind: str) -> list[Entity]:
        """All objects of a kind that the roles may know of, by name."""
        found = [entity for entity in self.entities.values() if entity.kind == kind and self._visible(roles, entity)]
        return sorted(found, key=lambda entity: entity.name)

    def last_login(self, roles: set[str], user: Entity) -> str | None:
        """When a user last signed in, as `SHOW USERS` has it: null without a privilege on the user."""
        told = user.owner in roles or self.allowed(roles, "MANAGE GRANTS") or self.allowed(roles, "CREATE USER")
        return user.properties.get("LAST_SUCCESS_LOGIN") if told else None

    # Ending

    def drop(self, entity: Entity, role: str) -> None:
        """Take an object away, with all that lies in it and every grant on it.

        :param role: the role that drops; it inherits what a dropped role owned
        """
        kind, name = entity.kind, entity.name
        if kind in ("DATABASE", "SCHEMA"):
            self._refuse_while_protecting(kind.lower(), name)
            gone = [key for key in self.entities if self._inside(key, kind, name)]
        else:
            gone = [(kind, name)]
        if kind in ("MASKING POLICY", "ROW ACCESS POLICY") and any(a.policy == name for a in self.attachments):
            raise SqlError(
                3527,
                "23001",
                f"SQL compilation error:\nPolicy {name[-1]} cannot be dropped/replaced as it is associated with one "
                "or more entities.",
            )
        if kind == "NETWORK POLICY":
            self._refuse_while_in_force(name[0])
        for key in gone:
            del self.entities[key]
            if key[0] == "TABLE":
                self.rows.pop(key[1], None)
        self.grants = {g for g in self.grants if (g.kind, g.name) not in gone}
        self.attachments = {a for a in self.attachments if not any(a.table == dropped for _kind, dropped in gone)}
        if kind == "ROLE":
            self.grants = {g for g in self.grants if g.role != name[0]}
            self.memberships = {m for m in self.memberships if m.role != name[0]}
            for other in self.entities.values():
                if other.owner == name[0]:
                    other.owner = role
        if kind in ("ROLE", "USER"):
            self.memberships = {m for m in self.memberships if (m.grantee_kind, m.grantee) != (kind, name[0])}
        if kind == "USER":
            self.credentials.pop(name[0], None)

    @staticmethod
    def _inside(key: tuple[str, Name], kind: str, name: Name) -> bool:
        return key == (kind, name) or (PARTS[key[0]] > len(name) and key[1][: len(name)] == name)

    def _refuse_while_in_force(self, policy: str) -> None:
        holders = [("ACCOUNT", self.name)] if self.parameters.get("NETWORK_POLICY") == policy else []
        holders += [
            (e.kind, dotted(e.name)) for e in self.entities.values() if e.properties.get("NETWORK_POLICY") == policy
        ]
        for kind, name in holders:
            raise SqlError(
                1492,
                "42601",
                f"SQL compilation error:\nCannot perform Drop operation on network policy {policy}. The policy is "
                f"attached to {kind} with name {name}. Unset the network policy from {kind} and try the Drop operation "
                "again.",
            )

    # Signing in

    def sign_in(self, login: str, authenticator: str, secret: str) -> str:
        """The user's name, once the secret has been found right.

        :param login: the login name, in any case
        :param authenticator: SNOWFLAKE, SNOWFLAKE_JWT, PROGRAMMATIC_ACCESS_TOKEN or OAUTH
        :param secret: the password, the JWT or the token
        :raises SignInError: it is not right
        """
        user = login.upper()
        known = self.credentials.get(user)
        if known is not None and known.locked:
            raise SignInError(
                390102,
                "Your user account has been temporarily locked due to too many failed attempts. Try again after 15 "
                "minutes or contact your account administrator for assistance.",
            )
        if authenticator == "SNOWFLAKE":
            good, code, message = bool(known and secret and known.password == secret), 390100, None
        elif authenticator == "SNOWFLAKE_JWT":
            good = bool(known and known.public_key and self._signed(secret, user, known.public_key))
            code, message = 390144, "JWT token is invalid."
        elif authenticator == "PROGRAMMATIC_ACCESS_TOKEN":
            good = bool(known and secret and known.access_token == secret)
            code, message = 394400, "Programmatic access token is invalid."
        elif authenticator == "OAUTH":
            good = bool(known and secret and known.oauth_token == secret)
            code, message = 390303, "Invalid OAuth access token."
        else:
            good, code, message = False, 390190, f"The authenticator {authenticator} is not known here."
        if not good:
            raise SignInError(code, message or "Incorrect username or password was specified.")
        signed_in = datetime.datetime.now(datetime.timezone.utc).isoformat(sep=" ", timespec="seconds")
        self.entities["USER", (user,)].properties["LAST_SUCCESS_LOGIN"] = signed_in
        return user

    def _signed(self, token: str, user: str, public_key: str) -> bool:
        """Whether a key-pair JWT is this user's, for this account, still valid and signed with the key."""
        key = t.cast(rsa.RSAPublicKey, serialization.load_pem_public_key(public_key.encode()))
        subject = f"{self.name}.{user}"
        try:
            head, claims, signature = token.split(".")
            if json.loads(_unpad(head))["alg"] != "RS256":
                return False
            key.verify(_unpad(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
            said = json.loads(_unpad(claims))
            issuer = f"{subject}.{fingerprint(key)}"
            return bool(said["sub"] == subject and said["iss"] == issuer and said["exp"] > time.time())
        except (ValueError, LookupError, TypeError, InvalidSignature):
            return False


def fingerprint(key: rsa.RSAPublicKey) -> str:
    """A public key's fingerprint, as Snowflake shows it in RSA_PUBLIC_KEY_FP."""
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return f"SHA256:{base64.b64encode(hashlib.sha256(der).digest()).decode()}"


def pem(key: rsa.RSAPublicKey) -> str:
    """A public key in PEM, as `Credentials` keeps it."""
    return key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()


def in_pem(key: str) -> str:
    """A public key in PEM, from the text between its first line and its last, as RSA_PUBLIC_KEY takes it."""
    return f"-----BEGIN PUBLIC KEY-----\n{key}\n-----END PUBLIC KEY-----\n"


def _unpad(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
