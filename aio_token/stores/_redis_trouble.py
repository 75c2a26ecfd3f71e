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
    "TimeoutError": "did not answer in time; try later, and see whether it is overloaded, and whether both ends speak "
    "TLS or neither",
    "MasterDownError": "is a replica that has lost its primary; try later, and see to the primary",
    "InvalidResponse": "does not answer as a Redis server does; see whether the address is right",
    "MasterNotFoundError": "has no primary that its Sentinels know, or none of them answers; see whether they run, and "
    "what they call it",
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
    "TRYAGAIN": "is moving this key to another node of its cluster; try later",
    "NOREPLICAS": "has too few replicas at hand to take writes (min-replicas-to-write); try later, and see to them",
    "WRONGTYPE": "holds something of another program under the key of this name; give the store another name, or "
    "delete that key",
}
"""By the first known word of what the server says; the rest of it is not shown."""


_ELSE = "see its log, and whether the address is that of a Redis server"

_BEGINS = {
    "The user executing the script can't": _OUTLOOK["NoPermissionError"],
    "DB index is out of range": "has no database of this number; give a smaller one in the URL",
    "max number of clients": "takes no more connections; try later, or raise its maxclients",
    "unknown command": "does not know EVAL, by which it is asked; see whether it was renamed or turned off there",
}
"""By the beginning of what the server says where that has no word of its own."""


def explained(store: object, error: Exception) -> StoreError:
    """Return an error that says what to do. Of what the server said, known words alone are looked at."""
    said = str(error)[:300]
    outlook = next((_SAYS[word] for word in said.split() if word in _SAYS), None)
    if outlook is None:
        outlook = next((_BEGINS[words] for words in _BEGINS if said.startswith(words)), None)
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
