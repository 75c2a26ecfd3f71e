"""What is wrong with a PostgreSQL database, in plain words, with no part of what it said itself."""

from __future__ import annotations

from aio_token._errors import StoreError

_OTHERS = "the table {table} is another program's; give another name as table=, and make that one with create_table()"
_OTHER_PASSWORD = "the server wants another user or password; give them in the address, in PGPASSWORD or in ~/.pgpass"
_NO_CONNECTION = "the server takes no more connections; try later, or raise max_connections or the role's limit"
_RESTARTS = "the server is starting or stopping; try later"
_RACE = "others write too much at once; try later"
_NOT_LET_IN = "the server does not let this role in from here; see whether it has the role, and its pg_hba.conf"
_SLOW = "the server did not answer in time; try later, and see whether it is overloaded, and the address right"

_HINTS = {
    "42P01": "there is no table {table}; make it once, with create_table() or the statement in `schema`",
    "3F000": "there is no schema {schema}; run: CREATE SCHEMA {schema}",
    "42703": "the table {table} lacks a column; if it is an earlier release's, run: ALTER TABLE {table} ADD COLUMN "
    "damaged bytea; if it is another program's, give another name as table=",
    "42601": "{table} is a word of SQL's own; give another name as table=",
    "42P10": _OTHERS,
    "42804": _OTHERS,
    "42809": _OTHERS,
    "42501": "this role may not use the table; run: {usage}GRANT SELECT, INSERT, UPDATE ON {table} TO the role",
    "25006": "this server takes no writes; give the address of the primary",
    "28P01": _OTHER_PASSWORD,
    "28000": _NOT_LET_IN,
    "3D000": "there is no such database; check the address",
    "53100": "the server's disk is full; make room there",
    "53300": _NO_CONNECTION,
    "57014": "the server cancelled a statement; see whether it is overloaded, and the role's statement_timeout",
    "40001": _RACE,
    "40P01": _RACE,
    "55P03": "another transaction has locked the table; end that, or try later",
    "57P01": _RESTARTS,
    "57P03": _RESTARTS,
}
"""By the codes that all clients give (SQLSTATE)."""

_MAY_NOT_MAKE = (
    "this role may not make the table {table}; have an administrator run the statement in `schema`, and: "
    "{usage}GRANT SELECT, INSERT, UPDATE ON {table} TO the role"
)

_SAID = {
    "password": _OTHER_PASSWORD,
    "pg_hba.conf": _NOT_LET_IN,
    "too many connections": _NO_CONNECTION,
    "connection slots": _NO_CONNECTION,
    'database "': _HINTS["3D000"],
    'role "': _NOT_LET_IN,
    "starting up": _RESTARTS,
    "shutting down": _RESTARTS,
    " SSL": "TLS is wanted, and not spoken there; turn ssl on there, or leave sslmode out",
}
"""By what is said of a connection that comes to nothing: libpq, and so psycopg, has no code for these."""

_FROM_THE_SERVER = ":  "
"""What libpq writes behind the severity of a server's message, in whatever language that is."""


def hint(state: str, table: str) -> str:
    """Return what to do where a server gives this code; an empty text if it is not known."""
    return _about(_HINTS.get(state, ""), table)


def explained(store: object, error: Exception, *, table: str, place: str | None, makes: bool = False) -> StoreError:
    """Return an error that says what to do; `makes` is whether the table was to be made."""
    told = (getattr(source, "sqlstate", None) for source in (error, getattr(error, "orig", None)))  # SQLAlchemy's
    state = next((code for code in told if isinstance(code, str)), "")
    known = _about(_MAY_NOT_MAKE, table) if makes and state == "42501" else hint(state, table)
    if not known and not state and (isinstance(error, OSError) or "OperationalError" in _kinds(error)):
        said = str(error)[:1_000]
        known = _SLOW if _is_slow(error) else next((_SAID[words] for words in _SAID if words in said), "")
        if not known and _FROM_THE_SERVER not in said:
            where = "" if place is None else f" at {place}"
            message = (
                f"{store!r} cannot be reached{where}; see whether the server runs, and whether the address is right"
            )
            return StoreError(message)
    known = known or "see whether the database is there and takes this client"
    return StoreError(f"{store!r} cannot be used ({type(error).__name__}{state and f' {state}'}); {known}")


def _about(text: str, table: str) -> str:
    schema = table.rpartition(".")[0]
    return text.format(table=table, schema=schema, usage=f"GRANT USAGE ON SCHEMA {schema} TO the role; " * bool(schema))


def _kinds(error: Exception) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def _is_slow(error: Exception) -> bool:
    return isinstance(error, TimeoutError) or "ConnectionTimeout" in _kinds(error)
