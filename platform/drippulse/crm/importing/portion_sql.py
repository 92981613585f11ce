"""The statements that write a portion: rows in the temporary table `staged` become records. Pure.

Every statement names the organization as $1. `matched` has the rows whose record exists, `altered` those of them that
change it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from drippulse.crm.importing.fields import ATTRIBUTES, CUSTOM, EMAIL, PUBLIC_ID, TAGS
from drippulse.crm.importing.portions import EMAIL_KEY, EXTERNAL, SYSTEM
from drippulse.crm.importing.staging import IDENTITY_COLUMNS, LACKS, NEW_ID, NEW_PUBLIC_ID, ROW
from drippulse.crm.importing.state import DedupeBy
from drippulse.crm.records import SPECS
from drippulse.crm.reporting import IDENTIFYING
from drippulse.crm.tables import RecordType
from drippulse.kit.clock import sql_isoformat

LIVE = "r.organization_id = $1 AND r.deleted_at IS NULL"
# Each row of `staged` is looked up by its key; joining whole tables reads all records for a few rows.
PREPARE = "SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL jit = off"
DROP = "DROP TABLE IF EXISTS pg_temp.staged, pg_temp.matched, pg_temp.altered, pg_temp.former"
MATCHED = "CREATE TEMP TABLE matched (n integer PRIMARY KEY, id uuid NOT NULL) ON COMMIT DROP"
ALTERED = """CREATE TEMP TABLE altered (n integer PRIMARY KEY, id uuid NOT NULL, public_id text NOT NULL,
  identifying jsonb NOT NULL, key text, before jsonb NOT NULL, after jsonb NOT NULL) ON COMMIT DROP;
CREATE INDEX ON altered (id)"""
FORMER = "CREATE TEMP TABLE former (n integer PRIMARY KEY, id uuid NOT NULL, by text NOT NULL) ON COMMIT DROP"
KNOWN_BY_FORMER = "SELECT EXISTS (SELECT FROM record_alias WHERE organization_id = $1 AND record_type = $2)"
FORGET_MATCHES = "TRUNCATE pg_temp.matched, pg_temp.altered"
UNMATCHED = "NOT EXISTS (SELECT 1 FROM matched m WHERE m.n = s.n)"
REPEATED = """DELETE FROM matched m USING matched first WHERE first.id = m.id AND first.n < m.n RETURNING m.n"""
MATCHES = "SELECT m.n, a.n IS NOT NULL AS altered FROM matched m LEFT JOIN altered a USING (n)"
RECORDS = "SELECT s.n, coalesce(m.id, s.new_id) AS id FROM staged s LEFT JOIN matched m USING (n)"
OPEN_CHANGESET = """INSERT INTO changeset (id, organization_id, source, actor_type, actor_id, label, reverts_id)
  VALUES ($2, $1, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING"""
COMPARISONS: Mapping[DedupeBy, tuple[str, str]] = {
    DedupeBy.EMAIL: (EMAIL_KEY, "r.email_key = s.email_key"),
    DedupeBy.EXTERNAL_ID: (EXTERNAL, "r.external_system = s.external_system AND r.external_id = s.external_id"),
    DedupeBy.PUBLIC_ID: (PUBLIC_ID, "r.public_id = s.public_id"),
}
FORMER_COMPARISONS: Mapping[DedupeBy, tuple[Sequence[str], str]] = {
    DedupeBy.EMAIL: ((EMAIL_KEY, EMAIL), "a.kind = 'email' AND a.value = s.email_key"),
    DedupeBy.EXTERNAL_ID: (
        (EXTERNAL, SYSTEM),
        "a.kind = 'external' AND a.value = s.external_id AND a.system = s.external_system",
    ),
}
"""What a merged record was known by, with the columns that say so in a row."""
FIELDS_OF_KEYS = {DedupeBy.EMAIL: EMAIL, DedupeBy.EXTERNAL_ID: EXTERNAL}


@dataclass(frozen=True)
class PortionSql:
    """For records of `kind` whose staging table has these columns, with their types."""

    kind: RecordType
    columns: Mapping[str, str]
    defaults: bool = False
    """New records have default custom fields, which `insert` takes as $2."""

    @property
    def table(self) -> str:
        return self.kind.value

    @cached_property
    def fields(self) -> Sequence[str]:
        """Columns of the record that rows may change."""
        return [name for name in self.columns if name not in IDENTITY_COLUMNS]

    @cached_property
    def create_staged(self) -> str:
        columns = ", ".join(f"{name} {kind}" for name, kind in self.columns.items() if name != ROW)
        return f"CREATE TEMP TABLE staged ({ROW} integer PRIMARY KEY, {columns}) ON COMMIT DROP"

    def match(self, by: DedupeBy) -> str | None:
        """Enters the rows that are recognized by this and by nothing before; None where no row has it."""
        column, compare = COMPARISONS[by]
        if column not in self.columns:
            return None
        return f"""INSERT INTO matched (n, id) SELECT s.n, r.id FROM staged s CROSS JOIN LATERAL (
              SELECT r.id FROM {self.table} r WHERE {LIVE} AND {compare} LIMIT 1) AS r
            WHERE s.{column} IS NOT NULL AND {UNMATCHED}"""

    def match_former(self, by: DedupeBy) -> Sequence[str]:
        """Enters rows in `former` that mean a record by what one was known by that was merged into it. The record keeps
        the address or external id that it has."""
        columns, compare = FORMER_COMPARISONS.get(by, ((PUBLIC_ID,), ""))
        if not compare or not set(columns) <= set(self.columns):
            return ()
        find = f"""INSERT INTO former (n, id, by) SELECT s.n, r.id, '{by}' FROM staged s CROSS JOIN LATERAL (
              SELECT r.id FROM record_alias a JOIN {self.table} r ON r.id = a.record_id AND {LIVE}
              WHERE a.organization_id = $1 AND a.record_type = '{self.table}' AND {compare}
              ORDER BY a.changeset_id DESC LIMIT 1) AS r
            WHERE s.{columns[0]} IS NOT NULL AND {UNMATCHED} ON CONFLICT DO NOTHING"""
        emptied = ", ".join(f"{name} = NULL" for name in columns)
        return (find, f"UPDATE staged s SET {emptied} FROM former f WHERE f.n = s.n AND f.by = '{by}'")

    @property
    def match_by_former(self) -> str:
        """Enters the rows of `former` whose record is still there."""
        return f"""INSERT INTO matched (n, id) SELECT s.n, s.id FROM former s
            JOIN {self.table} r ON {LIVE} AND r.id = s.id WHERE {UNMATCHED}"""

    @property
    def unknown(self) -> str | None:
        """Rows whose public id nobody has."""
        if PUBLIC_ID not in self.columns:
            return None
        return f"SELECT s.n, s.public_id AS value FROM staged s WHERE s.public_id IS NOT NULL AND {UNMATCHED}"

    def taken(self, by: DedupeBy, *, known: bool) -> str | None:
        """Rows whose address or external id another record has than the one that they mean. Only `known` ones, whose
        record was found, where rows are matched by this: a record that one without is not matched with came a moment
        ago, and is found when it is looked for again."""
        column, compare = COMPARISONS[by]
        if column not in self.columns:
            return None
        return f"""SELECT s.n, s.{column} AS value FROM staged s CROSS JOIN LATERAL (
              SELECT r.id FROM {self.table} r WHERE {LIVE} AND {compare} LIMIT 1) AS r
            {"" if known else "LEFT "}JOIN matched m ON m.n = s.n
            WHERE s.{column} IS NOT NULL AND m.id IS DISTINCT FROM r.id"""

    @property
    def lacking(self) -> str | None:
        """New rows that lack what a new record needs."""
        if LACKS not in self.columns:
            return None
        return f"SELECT s.n, s.lacks AS value FROM staged s WHERE s.lacks IS NOT NULL AND {UNMATCHED}"

    @property
    def lock(self) -> str:
        """By id, so that two who change the same records wait for each other instead of deadlocking."""
        return f"""SELECT count(*) FROM (SELECT r.id FROM {self.table} r
            WHERE {LIVE} AND r.id = ANY (ARRAY (SELECT id FROM matched)) ORDER BY r.id FOR UPDATE) AS locked"""

    @cached_property
    def alter(self) -> str:
        """Enters what would change."""
        before = " || ".join(self._part(name, f"r.{name}") for name in self.fields) or "'{}'"
        after = " || ".join(self._part(name, self._new(name)) for name in self.fields) or "'{}'"
        return f"""INSERT INTO altered (n, id, public_id, identifying, key, before, after)
            SELECT * FROM (SELECT m.n, r.id, r.public_id, {self._identifying("coalesce(s.{0}, r.{0})", "r.{0}")},
                {self._key}, {before} AS before, {after} AS after
              FROM matched m JOIN staged s ON s.n = m.n CROSS JOIN LATERAL (
                SELECT {self._read} FROM {self.table} r WHERE {LIVE} AND r.id = m.id LIMIT 1) AS r) AS x
            WHERE x.after <> '{{}}'"""

    @cached_property
    def update(self) -> str:
        own = [*self.fields, *((EMAIL_KEY,) if EMAIL_KEY in self.columns else ())]
        changes = "".join(f", {name} = {self._new(name)}" for name in own)
        return f"""UPDATE {self.table} r SET updated_at = now(){changes}
            FROM altered a JOIN staged s ON s.n = a.n WHERE {LIVE} AND r.id = a.id"""

    def insert(self, *, careful: bool) -> str:
        """New records, by key, so that two who write the same people wait for each other instead of deadlocking. Being
        `careful` about keys that others take at this moment costs three times as much."""
        own = [*self.fields, *((EMAIL_KEY,) if EMAIL_KEY in self.columns else ())]
        if self.defaults and CUSTOM not in own:
            own.append(CUSTOM)
        chosen = ", ".join(self._initial(name) for name in own)
        names = "".join(f", {name}" for name in own)
        keys = [name for name in (EMAIL_KEY, EXTERNAL, SYSTEM) if name in self.columns]
        order = f" ORDER BY {', '.join(f's.{name}' for name in keys)}" if keys else ""
        end = " ON CONFLICT DO NOTHING RETURNING r.id" if careful else ""
        return f"""INSERT INTO {self.table} AS r (id, organization_id, public_id{names})
            SELECT s.{NEW_ID}, $1, s.{NEW_PUBLIC_ID}{", " if chosen else ""}{chosen} FROM staged s
            WHERE {UNMATCHED}{order}{end}"""

    @property
    def record_created(self) -> str:
        """A creation says nothing of the values: they are what is there now, less what changed since."""
        return f"""INSERT INTO change_event
            (organization_id, changeset_id, record_type, record_id, record_public_id, action, actor_type, actor_id)
            SELECT $1, $2, '{self.table}', s.{NEW_ID}, s.{NEW_PUBLIC_ID}, 'create', $3, $4
            FROM staged s WHERE {UNMATCHED}"""

    @property
    def record_updated(self) -> str:
        return f"""INSERT INTO change_event (organization_id, changeset_id, record_type, record_id, record_public_id,
              action, actor_type, actor_id, before, after)
            SELECT $1, $2, '{self.table}', a.id, a.public_id, 'update', $3, $4, a.before, a.after
            FROM altered a ORDER BY a.n"""

    @cached_property
    def tell_created(self) -> str:
        shown = self._identifying("s.{0}", "NULL::text")
        key = "s.email_key" if EMAIL_KEY in self.columns else "NULL::text"
        return self._tell(
            "created",
            f"SELECT s.{NEW_ID} AS id, jsonb_build_object('public_id', s.{NEW_PUBLIC_ID}) || {shown} AS data, "
            f"{key} AS key FROM staged s WHERE {UNMATCHED}",
        )

    @property
    def tell_updated(self) -> str:
        changed = "(SELECT jsonb_agg(name ORDER BY name) FROM jsonb_object_keys(a.after) AS name)"
        return self._tell("updated", self._altered(f"'changed_fields', {changed}"))

    @property
    def tell_scored(self) -> str | None:
        if self.kind is not RecordType.LEAD or "score" not in self.columns:
            return None
        data = "'before', a.before -> 'score', 'score', a.after -> 'score'"
        return self._tell("scored", self._altered(data, " WHERE a.after ? 'score'"))

    def _altered(self, data: str, where: str = "") -> str:
        return f"""SELECT a.id, jsonb_build_object('public_id', a.public_id) || a.identifying
            || jsonb_build_object({data}) AS data, a.key FROM altered a{where} ORDER BY a.n"""

    def _tell(self, what: str, rows: str) -> str:
        return f"""INSERT INTO event (organization_id, type, record_type, record_id, actor_type, actor_id, data, key)
            SELECT $1, '{self.table}.{what}', '{self.table}', x.id::text, $2, $3, x.data, x.key FROM ({rows}) AS x"""

    def _identifying(self, staged: str, otherwise: str) -> str:
        shown = [name for name in IDENTIFYING if name in SPECS[self.kind].columns]
        pairs = ((name, (staged if name in self.columns else otherwise).format(name)) for name in shown)
        text = ", ".join(f"'{name}', {value}" for name, value in pairs)
        return f"jsonb_build_object({text})"

    @property
    def _read(self) -> str:
        """The columns of a record that a change is compared with and told by."""
        shown = SPECS[self.kind].columns
        key = (EMAIL_KEY,) if SPECS[self.kind].unique_by_email else ()
        names = ("id", "public_id", *self.fields, *key, *(name for name in IDENTIFYING if name in shown))
        return ", ".join(f"r.{name}" for name in dict.fromkeys(names))

    @property
    def _key(self) -> str:
        if not SPECS[self.kind].unique_by_email:
            return "NULL::text"
        return "coalesce(s.email_key, r.email_key)" if EMAIL_KEY in self.columns else "r.email_key"

    def _new(self, name: str) -> str:
        """What the record will have: what was given, else what it has."""
        if name == TAGS:
            added = "ARRAY (SELECT tag FROM unnest(s.tags) AS tag WHERE tag <> ALL (r.tags))"
            return f"CASE WHEN s.tags IS NULL THEN r.tags ELSE r.tags || {added} END"
        if name in {ATTRIBUTES, CUSTOM}:
            return f"r.{name} || coalesce(s.{name}, '{{}}')"
        return f"coalesce(s.{name}, r.{name})"

    def _part(self, name: str, value: str) -> str:
        changes = f"s.{name} IS NOT NULL AND {self._new(name)} IS DISTINCT FROM r.{name}"
        return f"CASE WHEN {changes} THEN jsonb_build_object('{name}', {self._shown(name, value)}) ELSE '{{}}' END"

    def _shown(self, name: str, value: str) -> str:
        """As answers have it."""
        kind = self.columns[name]
        if kind == "timestamptz":
            return sql_isoformat(value)
        return f"trim_scale({value})" if kind.startswith("numeric") else value

    def _initial(self, name: str) -> str:
        """Of a new record, where the row says nothing."""
        if name == EMAIL_KEY:
            return "s.email_key"
        default: Any = SPECS[self.kind].fields.model_fields[name].get_default(call_default_factory=False)
        literal = f"'{default}'" if isinstance(default, str) else {TAGS: "'{}'"}.get(name)
        if name == CUSTOM and self.defaults:
            return "$2::jsonb || coalesce(s.custom_fields, '{}')" if CUSTOM in self.columns else "$2::jsonb"
        if name in {ATTRIBUTES, CUSTOM}:
            literal = "'{}'"
        return f"s.{name}" if literal is None else f"coalesce(s.{name}, {literal})"
