"""The statements of `PostgresTokenStore`, one for each step: `{table}` is the table, parameters are `$1`, `$2` and so on."""

from __future__ import annotations

SCHEMA = """\
CREATE TABLE IF NOT EXISTS {table} (
  name text PRIMARY KEY,
  record bytea,
  version text NOT NULL DEFAULT '',
  damaged bytea,
  lease_owner text,
  lease_until timestamptz
)"""
"""What an administrator runs once."""

_NOW = "extract(epoch FROM clock_timestamp())::float8"
_LEASED = "clock_timestamp() + $3::float8 * interval '1 second'"

ACQUIRE = f"""\
WITH before AS (SELECT lease_owner FROM {{table}} WHERE name = $1::text)
INSERT INTO {{table}} AS kept (name, lease_owner, lease_until) VALUES ($1::text, $2::text, {_LEASED})
ON CONFLICT (name) DO UPDATE SET lease_owner = excluded.lease_owner, lease_until = {_LEASED}
WHERE kept.lease_owner IS NULL OR kept.lease_owner = $2::text OR kept.lease_until < clock_timestamp()
RETURNING record, version, {_NOW}, EXISTS (SELECT FROM before WHERE lease_owner <> $2::text)"""

EXTEND = f"UPDATE {{table}} SET lease_until = {_LEASED} WHERE name = $1::text AND lease_owner = $2::text RETURNING 1"

RELEASE = "UPDATE {table} SET lease_owner = NULL, lease_until = NULL WHERE name = $1::text AND lease_owner = $2::text"

READ = f"""\
SELECT kept.record, coalesce(kept.version, ''), {_NOW}
FROM (VALUES (1)) AS one LEFT JOIN {{table}} AS kept ON kept.name = $1::text"""

WRITE = """\
INSERT INTO {table} AS kept (name, record, version) VALUES ($1::text, $2::bytea, $3::text)
ON CONFLICT (name) DO UPDATE SET record = excluded.record, version = excluded.version
WHERE kept.version IN ($3::text, $4::text) RETURNING 1"""
"""One that is run again because its answer was lost finds its own version."""

SET_ASIDE = """\
UPDATE {table} SET damaged = record, record = NULL, version = $2::text WHERE name = $1::text AND version = $3::text"""

STATE = """\
SELECT pg_is_in_recovery(), current_setting('synchronous_commit') = 'off',
  (SELECT relpersistence = 'u' FROM pg_class WHERE oid = to_regclass($1::text)),
  has_table_privilege(to_regclass($1::text), 'SELECT, INSERT, UPDATE')"""
"""What keeps a record from being kept: no primary, no waiting for the disk, no table or an unlogged one, no rights."""
