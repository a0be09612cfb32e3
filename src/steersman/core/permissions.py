"""Who may do what: roles in a project, admins, and the scopes of a token.

A person needs the role and the token needs the scope: a token never lets anybody do more than
they may themselves, and without a token (in the browser) every scope is given.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple


class Role(StrEnum):
    """What somebody is in one project; each role may do all that those before it may."""

    VIEWER = "viewer"
    DEVELOPER = "developer"
    MAINTAINER = "maintainer"

    def includes(self, other: Role) -> bool:
        """Tell whether this role may do all that *other* may."""
        return _RANKS[self] >= _RANKS[other]


_RANKS: Mapping[Role, int] = MappingProxyType({role: rank for rank, role in enumerate(Role)})


class Action(StrEnum):
    """Everything that can be allowed or not."""

    SEE = "see"
    SEE_LOG = "see-log"
    ARTIFACT_GET = "artifact-get"
    TRIGGER = "trigger"
    CANCEL = "cancel"
    RETRY = "retry"
    APPROVE = "approve"
    CACHE_DELETE = "cache-delete"
    SECRET_LIST = "secret-list"  # noqa: S105 - the name of an action
    SECRET_SET = "secret-set"  # noqa: S105 - the name of an action
    SHELL = "shell"
    ARTIFACT_DELETE = "artifact-delete"
    SCHEDULE_EDIT = "schedule-edit"
    STEP_PUBLISH = "step-publish"
    PROJECT_EDIT = "project-edit"
    MEMBER_EDIT = "member-edit"
    PROJECT_REMOVE = "project-remove"
    PROJECT_ADD = "project-add"
    QUEUE_MANAGE = "queue-manage"
    WORKER_MANAGE = "worker-manage"
    NODE_MANAGE = "node-manage"
    USER_MANAGE = "user-manage"
    AUDIT_READ = "audit-read"


# None: no role in a project is enough, it takes an admin.
LEAST: Mapping[Action, Role | None] = MappingProxyType(
    {
        Action.SEE: Role.VIEWER,
        Action.SEE_LOG: Role.VIEWER,
        Action.ARTIFACT_GET: Role.VIEWER,
        Action.TRIGGER: Role.DEVELOPER,
        Action.CANCEL: Role.DEVELOPER,
        Action.RETRY: Role.DEVELOPER,
        # Whom the file names in `approve` is asked beside this.
        Action.APPROVE: Role.DEVELOPER,
        Action.CACHE_DELETE: Role.DEVELOPER,
        Action.SECRET_LIST: Role.DEVELOPER,
        Action.SECRET_SET: Role.MAINTAINER,
        # Whoever has a shell in a box can read the secrets in it.
        Action.SHELL: Role.MAINTAINER,
        Action.ARTIFACT_DELETE: Role.MAINTAINER,
        Action.SCHEDULE_EDIT: Role.MAINTAINER,
        Action.STEP_PUBLISH: Role.MAINTAINER,
        Action.PROJECT_EDIT: Role.MAINTAINER,
        Action.MEMBER_EDIT: Role.MAINTAINER,
        Action.PROJECT_REMOVE: Role.MAINTAINER,
        Action.PROJECT_ADD: None,
        Action.QUEUE_MANAGE: None,
        Action.WORKER_MANAGE: None,
        Action.NODE_MANAGE: None,
        Action.USER_MANAGE: None,
        Action.AUDIT_READ: None,
    }
)


class Scope(StrEnum):
    """What a token was made for; those of one token add up."""

    READ = "read"
    TRIGGER = "trigger"
    WRITE = "write"
    ADMIN = "admin"


EVERY_SCOPE = frozenset(Scope)

_READING = frozenset({Action.SEE, Action.SEE_LOG, Action.ARTIFACT_GET, Action.SECRET_LIST})
# A script that triggers must be able to follow its run, but need not read logs.
_TRIGGERING = frozenset({Action.SEE, Action.TRIGGER, Action.CANCEL, Action.RETRY})
# What outlives the loss of a token: other people's rights, whole projects, the platform itself.
_ADMINISTERING = frozenset(
    {Action.MEMBER_EDIT, Action.PROJECT_REMOVE, *(each for each in Action if LEAST[each] is None)}
)

OPENS: Mapping[Scope, frozenset[Action]] = MappingProxyType(
    {
        Scope.READ: _READING,
        Scope.TRIGGER: _TRIGGERING,
        Scope.WRITE: frozenset(Action) - _ADMINISTERING,
        Scope.ADMIN: frozenset(Action),
    }
)


class Grant(NamedTuple):
    """What somebody holds who asks: a *role* in the project in question, and *scopes*."""

    role: Role | None = None
    admin: bool = False
    scopes: frozenset[Scope] = frozenset()


def allows(grant: Grant, action: Action) -> bool:
    """Tell whether *grant* is enough for *action*."""
    if not any(action in OPENS[scope] for scope in grant.scopes):
        return False
    least = LEAST[action]
    if grant.admin:
        return True
    return least is not None and grant.role is not None and grant.role.includes(least)
