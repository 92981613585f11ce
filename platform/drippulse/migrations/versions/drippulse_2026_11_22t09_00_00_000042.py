"""Which records may be the same: what they are compared by, kept beside them."""

from piccolo.apps.migrations.auto.migration_manager import MigrationManager
from piccolo.engine import engine_finder

ID = "2026-11-22T09:00:00:000042"
VERSION = "1.38.0"
DESCRIPTION = "duplicates of records"

CURRENT = "(SELECT nullif(current_setting('app.organization_id', true), '')::bigint)"

FREE_MAIL = """'gmail.com', 'googlemail.com', 'outlook.com', 'hotmail.com', 'live.com', 'msn.com', 'yahoo.com',
  'ymail.com', 'rocketmail.com', 'icloud.com', 'me.com', 'mac.com', 'aol.com', 'gmx.de', 'gmx.net', 'gmx.at', 'gmx.ch',
  'gmx.com', 'web.de', 't-online.de', 'freenet.de', 'mail.com', 'email.com', 'proton.me', 'protonmail.com', 'pm.me',
  'fastmail.com', 'fastmail.fm', 'zoho.com', 'tutanota.com', 'tuta.io', 'hey.com', 'yandex.ru', 'yandex.com', 'mail.ru',
  'bk.ru', 'inbox.ru', 'list.ru', 'qq.com', '163.com', '126.com', 'sina.com', 'naver.com', 'daum.net', 'hanmail.net',
  'orange.fr', 'wanadoo.fr', 'free.fr', 'laposte.net', 'sfr.fr', 'libero.it', 'virgilio.it', 'tiscali.it', 'alice.it',
  'terra.com.br', 'uol.com.br', 'bol.com.br', 'wp.pl', 'o2.pl', 'onet.pl', 'interia.pl', 'seznam.cz', 'comcast.net',
  'verizon.net', 'att.net', 'sbcglobal.net', 'bellsouth.net', 'cox.net', 'charter.net', 'btinternet.com', 'sky.com',
  'bluewin.ch', 'yahoo.co.uk', 'yahoo.de', 'yahoo.fr', 'yahoo.co.jp', 'yahoo.co.in', 'yahoo.com.br', 'hotmail.co.uk',
  'hotmail.de', 'hotmail.fr', 'hotmail.it', 'outlook.de', 'outlook.fr', 'live.de', 'live.fr', 'live.co.uk',
  'rediffmail.com'"""
LEGAL_FORMS = (
    "inc|incorporated|llc|llp|lp|ltd|limited|corp|corporation|co|company|plc|gmbh|mbh|ag|kg|kgaa|ohg|ug|gbr|ev|se|sa"
    "|sas|sarl|sàrl|srl|sl|spa|bv|nv|vof|oy|oyj|ab|as|asa|aps|pty|pte|pvt|kk|kft|zrt|sro|doo|ooo|spzoo|ltda|eireli"
)

COUNTRY_CODES = (
    "1|7|2[07]|3[0-469]|4[013-9]|5[1-8]|6[0-6]|8[1246]|9[0-58]"
    "|(2[1-689]|3[578]|42|50|59|6[7-9]|80|85|87|88|96|97|99)[0-9]"
)
"""ITU-T E.164D: none is the beginning of another."""

# What two spellings of the same have in common. NULL says nothing, and is never equal to anything. A telephone number is
# its national part: the country is left out as often as not.
FUNCTIONS = f"""
CREATE FUNCTION match_key(given text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN hashtextextended(given, 0);
CREATE FUNCTION match_words(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN nullif(translate(lower(given), E' \\t\\r\\n\\u00a0.,;:!?''"`\\u00b4\\u2018\\u2019()[]{{}}/\\\\|&+*_-', ''), '');
CREATE FUNCTION match_company(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN coalesce(match_words(regexp_replace(translate(lower(given), E'.,''\\u2019"', ''),
    '([\\s&+-]+({LEGAL_FORMS}))+\\s*$', '')), match_words(given));
CREATE FUNCTION match_host(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN substring(lower(btrim(given))
    FROM '^(?:[a-z][a-z0-9+.-]*:)?(?://)?(?:[^/@?#]*@)?(?:www\\.)?([^/:?#@ ]+\\.[^/:?#@ .]+)');
CREATE FUNCTION match_mail_host(email_key text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE WHEN split_part(email_key, '@', 2) NOT IN ('', {FREE_MAIL}) THEN split_part(email_key, '@', 2) END;
CREATE FUNCTION match_address(email_key text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN CASE
    WHEN left(email_key, 1) IN ('+', '@') THEN email_key
    WHEN split_part(email_key, '@', 2) IN ('gmail.com', 'googlemail.com')
      THEN replace(split_part(split_part(email_key, '@', 1), '+', 1), '.', '') || '@gmail.com'
    ELSE split_part(split_part(email_key, '@', 1), '+', 1) || '@' || split_part(email_key, '@', 2) END;
CREATE FUNCTION match_phone(given text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  BEGIN ATOMIC
    SELECT CASE WHEN length(n) >= 7 AND translate(n, left(n, 1), '') <> '' THEN n END FROM (
      SELECT ltrim(CASE
        WHEN d ~ '^([+]|00)' THEN regexp_replace(ltrim(d, '+0'), '^({COUNTRY_CODES})', '')
        WHEN d ~ '^1[0-9]{{10}}$' THEN substr(d, 2)
        ELSE d END, '+0') AS n
      FROM (SELECT regexp_replace(regexp_replace(lower(given), '(ext|x|#).*$', ''), '[^0-9+]+', '', 'g') AS d) AS digits
    ) AS national;
  END;
"""

# A record waits in the queue from the statement that changed it until it was compared; writing it is all that a write
# of records costs. Each write is a row of its own, so that nobody waits for another.
TABLES = """
CREATE TABLE match_queue (organization_id bigint NOT NULL, record_type text NOT NULL, record_id uuid NOT NULL);
CREATE INDEX match_queue_of ON match_queue (organization_id, record_type);
CREATE TABLE record_match (
  organization_id bigint NOT NULL, record_type text NOT NULL, record_id uuid NOT NULL, address bigint, phone bigint,
  name_and_domain bigint, name_and_company bigint, domain bigint, name bigint,
  PRIMARY KEY (organization_id, record_id)
) WITH (fillfactor = 90);
CREATE TABLE duplicate_dismissal (
  organization_id bigint NOT NULL, first_id uuid NOT NULL, second_id uuid NOT NULL, record_type text NOT NULL,
  actor_type text NOT NULL, actor_id bigint, created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (organization_id, first_id, second_id), CHECK (first_id < second_id)
);
CREATE INDEX duplicate_dismissal_second ON duplicate_dismissal (organization_id, second_id);
"""
REASONS = ("address", "phone", "name_and_domain", "name_and_company", "domain", "name")
REASON_INDEX = """
CREATE INDEX record_match_{reason} ON record_match (organization_id, record_type, {reason}) WHERE {reason} IS NOT NULL;
"""

ACCOUNT_KEYS = """
ALTER TABLE account
  ADD COLUMN domain_key bigint
    GENERATED ALWAYS AS (match_key(coalesce(match_host(domain), match_host(website)))) STORED,
  ADD COLUMN name_key bigint GENERATED ALWAYS AS (match_key(match_company(name))) STORED;
CREATE INDEX account_domain_key ON account (organization_id, domain_key)
  WHERE deleted_at IS NULL AND domain_key IS NOT NULL;
CREATE INDEX account_name_key ON account (organization_id, name_key)
  WHERE deleted_at IS NULL AND name_key IS NOT NULL;
"""

COMPARED = {
    "account": ("domain_key", "name_key", "phone", "deleted_at"),
    "contact": ("email_key", "phone", "first_name", "last_name", "company", "account_id", "deleted_at"),
    "lead": ("email_key", "phone", "first_name", "last_name", "company", "deleted_at"),
}
# Imports switch these joins off, because their own statements look up single rows; here all rows of a statement are joined.
QUEUED = """
CREATE FUNCTION queue_match_of_{table}() RETURNS trigger LANGUAGE plpgsql
  SET enable_hashjoin = on SET enable_mergejoin = on AS $$BEGIN
  IF TG_OP = 'INSERT' THEN
    INSERT INTO match_queue (organization_id, record_type, record_id)
    SELECT organization_id, '{table}', id FROM added;
  ELSE
    INSERT INTO match_queue (organization_id, record_type, record_id)
    SELECT a.organization_id, '{table}', a.id FROM added a JOIN removed r ON r.id = a.id
    WHERE ({new}) IS DISTINCT FROM ({old});
  END IF;
  RETURN NULL;
END$$;
CREATE TRIGGER queue_match_of_new AFTER INSERT ON {table} REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION queue_match_of_{table}();
CREATE TRIGGER queue_match_of_changed AFTER UPDATE ON {table} REFERENCING OLD TABLE AS removed NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION queue_match_of_{table}();
INSERT INTO match_queue (organization_id, record_type, record_id)
  SELECT organization_id, '{table}', id FROM {table} WHERE deleted_at IS NULL;
"""

TENANT = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON {table} TO drippulse_app
  USING (organization_id = {current}) WITH CHECK (organization_id = {current});
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO drippulse_app;
"""
ENGINE = """
CREATE POLICY drippulse_engine ON {table} TO drippulse_engine USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON {table} TO drippulse_engine;
"""


async def forwards():
    manager = MigrationManager(migration_id=ID, app_name="drippulse", description=DESCRIPTION)

    async def run() -> None:
        script = [FUNCTIONS, TABLES, *(REASON_INDEX.format(reason=reason) for reason in REASONS), ACCOUNT_KEYS]
        for table, compared in COMPARED.items():
            new, old = (", ".join(f"{row}.{column}" for column in compared) for row in ("a", "r"))
            script.append(QUEUED.format(table=table, new=new, old=old))
        script += [
            TENANT.format(table=table, current=CURRENT)
            for table in ("match_queue", "record_match", "duplicate_dismissal")
        ]
        script += [ENGINE.format(table=table) for table in ("match_queue", "record_match")]
        await engine_finder().current_transaction.get().connection.execute("\n".join(script))

    manager.add_raw(run)
    return manager
