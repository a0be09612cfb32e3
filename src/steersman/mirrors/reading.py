"""What a mirror holds. Readers take no lock: git never changes an object, nor do we drop any."""

from __future__ import annotations

from difflib import get_close_matches

from steersman.core.errors import SteersmanError, UserError
from steersman.mirrors import commands
from steersman.mirrors.base import Commit
from steersman.mirrors.commands import check_commit
from steersman.mirrors.repositories import Repository

HEAD = "HEAD"
_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_SHORTEST = 7
_NAMES = 256 * 1024
_FORMAT = "--format=%H%x00%an%x00%ct%x00%B"
_LONGEST_MESSAGE = 64 * 1024
_MESSAGES = 4 * 1024 * 1024


async def has(repository: Repository, commit: str) -> bool:
    """Tell whether *commit* is there."""
    return not (await repository.ask("cat-file", "-e", f"{check_commit(commit)}^{{commit}}")).status


async def resolve(repository: Repository, wanted: str) -> Commit:
    """Return the commit that *wanted* names: a branch, a tag, an id or the beginning of one, HEAD.

    A branch comes before a tag of its name, and both before the beginning of an id.
    """
    commands.check_ref(wanted)
    if wanted == HEAD:
        wanted = await _default(repository)
    if commands.is_commit(wanted):
        return await _with_names(repository, await _described(repository, wanted, wanted))
    names = (wanted,) if wanted.startswith("refs/") else (_HEADS + wanted, _TAGS + wanted)
    found = await _refs(repository, *names)
    for name in names:
        if name in found:
            commit = await _described(repository, found[name], wanted)
            return _named(commit, name)
    sha = await _completed(repository, wanted)
    return await _with_names(repository, await _described(repository, sha, wanted))


def _named(commit: Commit, ref: str) -> Commit:
    if ref.startswith(_HEADS):
        return commit._replace(branch=ref.removeprefix(_HEADS))
    return commit._replace(tag=ref.removeprefix(_TAGS) if ref.startswith(_TAGS) else "")


async def _default(repository: Repository) -> str:
    done = await repository.ask("symbolic-ref", "--quiet", HEAD)
    return done.out.decode(errors="replace").strip() or HEAD


async def _refs(repository: Repository, *patterns: str) -> dict[str, str]:
    words = ("for-each-ref", "--format=%(objectname) %(refname)", *patterns)
    out = await repository.answer("cannot list branches and tags", *words)
    pairs = (line.split(" ", 1) for line in out.decode(errors="replace").splitlines())
    return {name: sha for sha, name in pairs}


async def _completed(repository: Repository, wanted: str) -> str:
    """Return the id that begins with *wanted*."""
    if len(wanted) >= _SHORTEST and set(wanted) <= set("0123456789abcdef"):
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options", f"{wanted}^{{commit}}")
        done = await repository.ask(*words)
        if not done.status and done.out.startswith(wanted.encode()):
            return done.out.decode().strip()
    raise await _unknown(repository, wanted)


async def _unknown(repository: Repository, wanted: str) -> SteersmanError:
    words = ("for-each-ref", "--format=%(refname:strip=2)", "--sort=-creatordate", _HEADS, _TAGS)
    done = await repository.ask(*words, most=_NAMES)
    names = done.out.decode(errors="replace").splitlines()
    near = get_close_matches(wanted.removeprefix(_HEADS).removeprefix(_TAGS), names, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"there are {', '.join(names[:5])}"
    what = f"there is no branch, tag or commit {wanted!r}"
    return UserError(what, hint=hint if names else "nothing has been fetched yet")


async def _described(repository: Repository, sha: str, wanted: str) -> Commit:
    """Describe the commit that the object *sha* is, or leads to when it is a tag."""
    words = ("log", "-1", "--no-show-signature", "--encoding=UTF-8", _FORMAT, sha, "--")
    done = await repository.ask(*words)
    parts = done.out.decode(errors="replace").split("\0", 3)
    if done.status or len(parts) < 4:
        raise await _unknown(repository, wanted)
    commit, author, time, message = parts
    return Commit(commit, "", "", message.strip()[:_LONGEST_MESSAGE], author, float(time))


async def _with_names(repository: Repository, commit: Commit) -> Commit:
    found = await _refs(repository, f"--points-at={commit.sha}", _HEADS, _TAGS)
    branches = [name for name in found if name.startswith(_HEADS)]
    tags = [name for name in found if name.startswith(_TAGS)]
    default = await _default(repository) if len(branches) > 1 else ""
    for names in ([default] if default in branches else branches, tags):
        if len(names) == 1:
            commit = _named(commit, names[0])
    return commit


async def file(repository: Repository, commit: str, path: str, limit: int) -> bytes | None:
    """Return what the file *path* holds; None when there is none.

    Only a regular file of at most *limit* bytes is read: a link may lead anywhere.
    """
    words = ("ls-tree", "-lz", check_commit(commit), "--", commands.check_path(path))
    out = await repository.answer(f"cannot read {path} of {commit}", *words)
    if not out:
        return None
    mode, _, sha, size = out.partition(b"\t")[0].decode().split()
    kind = {"120000": "a symbolic link", "040000": "a folder", "160000": "a submodule"}.get(mode)
    if kind:
        raise UserError(f"{path} is {kind}", hint="it must be a regular file")
    if int(size) > limit:
        raise UserError(f"{path} is larger than {limit} bytes ({size})", hint="make it smaller")
    return await repository.answer(f"cannot read {path}", "cat-file", "blob", sha, most=limit)


async def changed_paths(
    repository: Repository, old: str, new: str, limit: int
) -> tuple[str, ...] | None:
    """Return the paths that differ between two commits; None when that is not known."""
    if any(set(check_commit(commit)) == {"0"} for commit in (new, old)):
        return None
    options = (
        "-r",
        "-z",
        "--name-only",
        "--no-renames",
        "--no-ext-diff",
        "--ignore-submodules=none",
    )
    done = await repository.ask("diff-tree", *options, old, new, "--")
    paths = done.out.decode(errors="replace").split("\0")[:-1]
    return None if done.status or len(paths) > limit else tuple(paths)


async def messages(repository: Repository, old: str, new: str, most: int) -> tuple[str, ...]:
    """Return the messages of the commits that *new* has beyond *old*, the newest first.

    That of *new* alone when *old* is not there, as after a new branch or a forced push.
    """
    known = set(check_commit(old)) != {"0"} and await has(repository, old)
    since = ("--not", old) if known else ()
    words = ("log", "-z", "--no-show-signature", "--encoding=UTF-8", "--format=%B")
    count = f"--max-count={most if known else 1}"
    what = f"cannot read the messages up to {new}"
    out = await repository.answer(
        what, *words, count, check_commit(new), *since, "--", most=_MESSAGES
    )
    return tuple(message.strip() for message in out.decode(errors="replace").split("\0") if message)
