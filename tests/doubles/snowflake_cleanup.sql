-- Copyright (c) 2026 The community.immuta contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Immuta: remove the resources of the Snowflake integration 5 on "example.snowflakecomputing.com".
-- Run all of it, in this order, as a user who can take the role ACCOUNTADMIN; it isn't a template.
/* First the system account loses what it may do; then the policies are detached; then go the user, the database
   and, last of all, the role that owned it. A "quote", an apostrophe ' and a ; mean nothing in here. */

USE ROLE ACCOUNTADMIN;
ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = FALSE;

-- 1. The system role may do nothing in the account any more; don't stop here: its owner can give it all back.
REVOKE APPLY MASKING POLICY ON ACCOUNT FROM ROLE "IMMUTA_SYSTEM";
REVOKE APPLY ROW ACCESS POLICY ON ACCOUNT FROM ROLE "IMMUTA_SYSTEM";
revoke create role on account from role immuta_system;
REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE "IMMUTA_SYSTEM";

-- 2. Nor on the warehouse; and nor on the customer's data.
use role securityadmin;
REVOKE USAGE ON WAREHOUSE "COMPUTE_WH" FROM ROLE "IMMUTA_SYSTEM";
revoke usage on database sales from role immuta_system; -- the next one is the user's; keep the order

-- 3. Nobody can sign in as the system account.
USE ROLE USERADMIN;
ALTER USER IF EXISTS "IMMUTA_SYSTEM_ACCOUNT" SET PASSWORD = 'rotated-away-4b1d9e' DISABLED = TRUE;
ALTER USER IF EXISTS "IMMUTA_SYSTEM_ACCOUNT" SET COMMENT = 'Immuta''s own; was {{ not_a_template }} -- retired';
alter user if exists immuta_system_account unset default_role;
REVOKE ROLE "IMMUTA_SYSTEM" FROM USER "IMMUTA_SYSTEM_ACCOUNT";

-- 4. Detach what still protects tables elsewhere (a policy in use can't be dropped; neither can its database).
USE ROLE ACCOUNTADMIN;
USE WAREHOUSE "COMPUTE_WH";
CREATE OR REPLACE PROCEDURE "IMMUTA"."PUBLIC"."IMMUTA_DETACH_POLICIES"()
  RETURNS STRING
  LANGUAGE SQL
  EXECUTE AS CALLER
AS
$$
DECLARE
  detached INTEGER DEFAULT 0;
  attached CURSOR FOR
    SELECT ref_database_name, ref_schema_name, ref_entity_name, ref_column_name, policy_kind, policy_name
      FROM snowflake.account_usage.policy_references
     WHERE policy_db = 'IMMUTA';
BEGIN
  FOR one IN attached DO
    LET target STRING := '"' || one.ref_database_name || '"."' || one.ref_schema_name || '"."' || one.ref_entity_name || '"';
    IF (one.policy_kind = 'MASKING_POLICY') THEN
      EXECUTE IMMEDIATE 'ALTER TABLE ' || target || ' MODIFY COLUMN "' || one.ref_column_name || '" UNSET MASKING POLICY;';
    ELSE
      EXECUTE IMMEDIATE 'ALTER TABLE ' || target || ' DROP ROW ACCESS POLICY "IMMUTA"."PUBLIC"."' || one.policy_name || '";';
    END IF;
    detached := detached + 1; -- counted; not the ones that are gone already
  END FOR;
  RETURN detached || ' policies detached';
END;
$$;
CALL "IMMUTA"."PUBLIC"."IMMUTA_DETACH_POLICIES"();
drop procedure if exists immuta.public.immuta_detach_policies();

-- 5. The user, the database, the role: in this order, since the role owns the database.
use role useradmin;
DROP USER IF EXISTS "IMMUTA_SYSTEM_ACCOUNT";
USE ROLE SYSADMIN;
DROP DATABASE IF EXISTS "IMMUTA";
use role useradmin;
DROP ROLE IF EXISTS "IMMUTA_SYSTEM";
