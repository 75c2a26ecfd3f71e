"""The statements of `PostgresTokenStore`, one for each step, with their parameters as `$1`, `$2` and so on.

Each may be repeated, since an answer may be lost.
"""

from __future__ import annotations

SCHEMA = """\
CREATE TABLE IF NOT EXISTS {table} (
  name text PRIMARY KEY,
  content bytea,
  version text NOT NULL DEFAULT '',
  owner text,
  leased_until timestamptz,
  damaged bytea
)"""

ENTER = """\
INSERT INTO {table} AS kept (name, owner, leased_until)
VALUES ($1::text, $2::text, clock_timestamp() + $3::float8 * interval '1 second')
ON CONFLICT (name) DO UPDATE SET owner = excluded.owner, leased_until = excluded.leased_until
WHERE kept.owner IS NULL OR kept.owner = $2::text
  OR coalesce(kept.leased_until NOT BETWEEN clock_timestamp() AND clock_timestamp() + interval '10 minutes', true)
RETURNING content, version, extract(epoch FROM clock_timestamp())::float8"""

PROLONG = """\
UPDATE {table} SET leased_until = clock_timestamp() + $3::float8 * interval '1 second'
WHERE name = $1::text AND owner = $2::text RETURNING 1"""

LEAVE = "UPDATE {table} SET owner = NULL, leased_until = NULL WHERE name = $1::text AND owner = $2::text"

READ = """\
SELECT kept.content, coalesce(kept.version, ''), extract(epoch FROM clock_timestamp())::float8
FROM (VALUES (1)) AS one LEFT JOIN {table} AS kept ON kept.name = $1::text"""

SET_ASIDE = "UPDATE {table} SET damaged = $2::bytea WHERE name = $1::text"

WRITE = """\
INSERT INTO {table} AS kept (name, content, version) VALUES ($1::text, $2::bytea, $3::text)
ON CONFLICT (name) DO UPDATE SET content = excluded.content, version = excluded.version,
  damaged = CASE WHEN $5::bool THEN kept.damaged END
WHERE kept.version IN ('', $3::text, $4::text) RETURNING 1"""

STATE = """\
SELECT pg_is_in_recovery(), current_setting('synchronous_commit') = 'off',
  (SELECT relpersistence = 'u' FROM pg_class WHERE oid = to_regclass($1::text)),
  has_table_privilege(to_regclass($1::text), 'SELECT') AND has_table_privilege(to_regclass($1::text), 'INSERT')
  AND has_table_privilege(to_regclass($1::text), 'UPDATE')"""
"""What keeps a record from being kept: no primary, no waiting for the disk, an unlogged table, no table, no rights."""

LIST = """\
SELECT coalesce(array_agg(name), '{{}}'), coalesce(array_agg(content), '{{}}'),
  extract(epoch FROM clock_timestamp())::float8
FROM (
  SELECT name, content FROM {table} WHERE name > $1::text AND content IS NOT NULL ORDER BY name LIMIT $2::int
) AS kept"""
"""Some rows in one, since one is what is asked for."""
