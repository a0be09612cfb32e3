"""Who comes from an issuer of identities: the user they are here, or are to be."""

from __future__ import annotations

import re

from steersman.core.errors import Forbidden
from steersman.server import auditing
from steersman.server.oidc import OidcSettings, Person
from steersman.store import people
from steersman.store.base import Row, Transaction

_LONGEST = 50


class Arrival:
    """One person at the door; a user that must be made gets the id *new_id*."""

    def __init__(self, settings: OidcSettings, person: Person, new_id: str, address: str) -> None:
        self._settings = settings
        self._person = person
        self._new_id = new_id
        self._address = address

    def user(self, tx: Transaction) -> Row:
        """Return the user they are; `Forbidden` for somebody who may not come in."""
        self._check_domain()
        found = people.of_subject(tx, self._person.subject) or self._linked(tx) or self._made(tx)
        if found["disabled"]:
            raise Forbidden(f"the user {found['name']} is disabled", hint="ask an admin")
        if self._person.admin and not found["admin"]:
            people.change_user(tx, found["id"], {"admin": True})
            self._note(tx, found, "user-edit", {"admin": True})
        return found

    def _check_domain(self) -> None:
        allowed = {each.lower() for each in self._settings.allowed_domains}
        domain = self._person.email.rpartition("@")[2].lower()
        if allowed and not (self._person.verified and domain in allowed):
            raise Forbidden(
                "this server takes nobody of your e-mail address",
                hint="log in at the issuer with an address that it has verified",
            )

    def _linked(self, tx: Transaction) -> Row | None:
        """Return the local user of the same address, who is the issuer's from now on."""
        if not (self._settings.link_by_email and self._person.verified):
            return None
        found = people.local_of_email(tx, self._person.email)
        if found is not None:
            people.change_user(tx, found["id"], {"subject": self._person.subject})
            self._note(tx, found, "user-link", {"subject": self._person.subject})
        return found

    def _made(self, tx: Transaction) -> Row:
        if not self._settings.allow_new:
            raise Forbidden("you are no user of this server", hint="ask an admin to let you in")
        row = {
            "id": self._new_id,
            "name": _free(tx, name_of(self._person.name)),
            "email": self._person.email if self._person.verified else "",
            "subject": self._person.subject,
        }
        made = people.add_user(tx, row)
        self._note(tx, made, "user-add", {"subject": self._person.subject})
        return made

    def _note(self, tx: Transaction, user: Row, action: str, detail: object) -> None:
        auditing.note(tx, self._settings.name, action, user["name"], detail, self._address)


def name_of(text: str) -> str:
    """Return a name for a user, as near to *text* as names here may be."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", text.lower())[:_LONGEST].strip("._-")
    return plain or "user"


def _free(tx: Transaction, name: str) -> str:
    """Return *name*, with a number when somebody else has it: nobody becomes them by that."""
    number, free = 1, name
    while people.user(tx, free) is not None:
        number += 1
        free = f"{name}-{number}"
    return free
