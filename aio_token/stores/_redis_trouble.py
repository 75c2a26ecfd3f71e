"""What is wrong with a Redis server, in plain words: what its errors mean, and what would cost a session later."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aio_token._errors import StoreError, without_frames

if TYPE_CHECKING:
    from collections.abc import Mapping

RIGHTS = (
    "~aio_token:* +eval +get +set +del +pexpire +pttl +persist +exists +hdel +hget +hset +hmget "
    "+sadd +srem +smembers +time +info +config|get"
)
"""What a user of the server needs, as ACL SETUSER takes it."""

_OUTLOOK = {
    "AuthenticationError": "wants another user or password; give them in the URL, or to the client",
    "AuthorizationError": "wants another user or password; give them in the URL, or to the client",
    "NoPermissionError": f"lets this user do too little; run: ACL SETUSER <user> {RIGHTS}",
    "OutOfMemoryError": "is full; raise its maxmemory",
    "ReadOnlyError": "is a replica, which takes no writes; name the primary, or give a client of its Sentinel",
    "BusyLoadingError": "is loading its data; try later",
    "ClusterDownError": "is in a cluster that is not whole; try later, and see to its nodes",
    "SlotNotCoveredError": "is in a cluster that is not whole; try later, and see to its nodes",
    "TimeoutError": "did not answer in time; try later, and see whether it is overloaded",
    "MasterNotFoundError": "has no primary that its Sentinels know, or none of them answers; see whether they run, and "
    "what they call it",
    "InvalidResponse": "answers as no Redis does; see whether the address is right",
    "ModuleNotFoundError": "needs the package redis; run: pip install 'aio-token[redis]'",
}
"""By the names of redis-py's errors, and of Python's own."""

_SAYS = {
    "NOPERM": _OUTLOOK["NoPermissionError"],
    "NOAUTH": _OUTLOOK["AuthenticationError"],
    "WRONGPASS": _OUTLOOK["AuthenticationError"],
    "OOM": _OUTLOOK["OutOfMemoryError"],
    "READONLY": _OUTLOOK["ReadOnlyError"],
    "MISCONF": "cannot write its snapshots to its disk and takes no writes meanwhile; make room there",
    "LOADING": _OUTLOOK["BusyLoadingError"],
    "BUSY": "is busy with a script that does not end; end it with SCRIPT KILL",
    "MASTERDOWN": "is a replica that has lost its primary; see to that one",
    "NOREPLICAS": "has too few replicas to take writes; see to them",
    "TRYAGAIN": "is moving this key to another node of its cluster; try later",
    "WRONGTYPE": "keeps something else under this key; choose another name or prefix, or delete that key",
    "clients": "has too many clients; raise its maxclients, or close some",
    "DB": "has no such database; give another number at the end of the URL",
}
"""By the first known word of what the server says; the rest of it is not shown."""


_ELSE = "see its log, and whether the address is that of a Redis server"


def explained(store: object, error: Exception) -> StoreError:
    """Return an error that says what to do. Of what the server said, one known word at most is looked at."""
    words = str(error)[:300].split()
    outlook = next((_SAYS[word] for word in words if word in _SAYS), None)
    name = type(error).__name__
    if outlook is None:
        outlook = _OUTLOOK.get(name)
    if outlook is None:
        reached = "cannot be reached; see whether the server runs, and whether the address is right"
        outlook = reached if isinstance(error, OSError) or name == "ConnectionError" else f"failed ({name}); {_ELSE}"
    failure = StoreError(f"{store!r} {outlook}")
    if isinstance(error, OSError):
        failure.__cause__ = without_frames(error)
    return failure


def refuse_forgetful(
    store: object, memory: Mapping[str, Any], persistence: Mapping[str, Any], save: str | None
) -> None:
    """Raise `StoreError` for a server that would throw a session away: what INFO says, and CONFIG GET save if known."""
    policy = str(memory.get("maxmemory_policy", ""))
    if int(memory.get("maxmemory", 0)) and policy.startswith("allkeys"):
        message = (
            f"{store!r} throws away what it keeps when its memory is full ({policy[:40]}), sessions too; set its "
            "maxmemory-policy to noeviction, or pass check_server=False"
        )
        raise StoreError(message)
    if not int(persistence.get("aof_enabled", 1)) and save == "":
        message = (
            f"{store!r} keeps nothing on a disk, so that its next start ends all sessions; set its appendonly to yes, "
            "or pass check_server=False"
        )
        raise StoreError(message)
