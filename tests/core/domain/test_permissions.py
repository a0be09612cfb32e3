"""Every action by every role and every scope, written out."""

from __future__ import annotations

from itertools import chain, combinations, pairwise

import pytest

from steersman.core import permissions
from steersman.core.permissions import EVERY_SCOPE, Action, Grant, Role, Scope

# The first letter of who may, of V(iewer) D(eveloper) M(aintainer) A(dmin); then the scopes that
# open it, of r(ead) t(rigger) w(rite) a(dmin).
EXPECTED = {
    "see": "VDMA rtwa",
    "see-log": "VDMA rwa",
    "artifact-get": "VDMA rwa",
    "trigger": "DMA twa",
    "cancel": "DMA twa",
    "retry": "DMA twa",
    "approve": "DMA wa",
    "cache-delete": "DMA wa",
    "secret-list": "DMA rwa",
    "secret-set": "MA wa",
    "shell": "MA wa",
    "artifact-delete": "MA wa",
    "schedule-edit": "MA wa",
    "step-publish": "MA wa",
    "project-edit": "MA wa",
    "member-edit": "MA a",
    "project-remove": "MA a",
    "project-add": "A a",
    "queue-manage": "A a",
    "worker-manage": "A a",
    "node-manage": "A a",
    "user-manage": "A a",
    "audit-read": "A a",
}
WHO = {
    "-": Grant(None),
    "V": Grant(Role.VIEWER),
    "D": Grant(Role.DEVELOPER),
    "M": Grant(Role.MAINTAINER),
    "A": Grant(admin=True),
}
SETS = [
    frozenset(each)
    for each in chain.from_iterable(combinations(Scope, size) for size in range(len(Scope) + 1))
]


def test_the_table_names_every_action() -> None:
    assert list(EXPECTED) == [str(action) for action in Action]


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("who", WHO)
@pytest.mark.parametrize("scope", Scope)
def test_an_action_takes_the_role_and_the_scope(action: Action, who: str, scope: Scope) -> None:
    people, scopes = EXPECTED[action].split()
    expected = who in people and scope[0] in scopes
    grant = WHO[who]._replace(scopes=frozenset({scope}))
    assert permissions.allows(grant, action) is expected


@pytest.mark.parametrize("action", Action)
def test_without_a_scope_nobody_may_anything(action: Action) -> None:
    assert not any(permissions.allows(grant, action) for grant in WHO.values())


@pytest.mark.parametrize("action", Action)
def test_an_admin_with_every_scope_may_everything(action: Action) -> None:
    assert permissions.allows(Grant(admin=True, scopes=EVERY_SCOPE), action)


def allowed(grant: Grant) -> set[Action]:
    return {action for action in Action if permissions.allows(grant, action)}


@pytest.mark.parametrize("scopes", SETS)
def test_a_higher_role_loses_nothing(scopes: frozenset[Scope]) -> None:
    steps = [allowed(grant._replace(scopes=scopes)) for grant in WHO.values()]
    assert all(low <= high for low, high in pairwise(steps))


@pytest.mark.parametrize("who", WHO)
def test_the_scopes_of_a_token_add_up(who: str) -> None:
    for scopes in SETS:
        single = (allowed(WHO[who]._replace(scopes=frozenset({scope}))) for scope in scopes)
        assert allowed(WHO[who]._replace(scopes=scopes)) == set().union(*single)


def test_roles_include_those_below_them() -> None:
    table = [[role.includes(other) for other in Role] for role in Role]
    assert table == [[True, False, False], [True, True, False], [True, True, True]]
