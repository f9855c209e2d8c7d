-- Copyright (c) 2026 The community.immuta contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Immuta: set up the resources of a Snowflake integration on "example.snowflakecomputing.com".
-- Run all of it, in this order, as a user who can take the role ACCOUNTADMIN; it isn't a template.
/* First the role and the user; then what they may do in the account; then the database, which goes to the role, with
   what is in it. A "quote", an apostrophe ' and a ; mean nothing in here. */

USE ROLE ACCOUNTADMIN;
ALTER SESSION SET QUOTED_IDENTIFIERS_IGNORE_CASE = FALSE;

-- 1. The system account; its password; and the key with which it signs in, don't lose them.
USE ROLE USERADMIN;
CREATE ROLE IF NOT EXISTS "IMMUTA_SYSTEM" COMMENT = 'Immuta''s own; {{ not_a_template }} -- in use';
CREATE USER IF NOT EXISTS "IMMUTA_SYSTEM_ACCOUNT"
  PASSWORD = 'made-by-immuta;''4b1d9e'
  RSA_PUBLIC_KEY = 'MFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAMUQAIFsn4RVQ3f9SMV3/kj2DRCtyq5lMHBaS0DLfIEwYfDIl/xvWT1YAGqVTl2mDFF6vcnYxrsc3GRVLKs2QWkCAwEAAQ=='
  DEFAULT_ROLE = "IMMUTA_SYSTEM"
  DEFAULT_WAREHOUSE = "COMPUTE_WH"
  MUST_CHANGE_PASSWORD = FALSE
  COMMENT = 'Immuta''s own';
GRANT ROLE "IMMUTA_SYSTEM" TO USER "IMMUTA_SYSTEM_ACCOUNT";
use role securityadmin;
grant role immuta_system to role sysadmin;

-- 2. What the system role may do in the account, on the warehouse, and with the customer's data.
USE ROLE ACCOUNTADMIN;
GRANT APPLY MASKING POLICY ON ACCOUNT TO ROLE "IMMUTA_SYSTEM";
GRANT APPLY ROW ACCESS POLICY ON ACCOUNT TO ROLE "IMMUTA_SYSTEM";
GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "IMMUTA_SYSTEM" WITH GRANT OPTION;
grant create role on account to role immuta_system;
GRANT USAGE ON WAREHOUSE "COMPUTE_WH" TO ROLE "IMMUTA_SYSTEM";
grant usage on database sales to role immuta_system; -- the next one is the user's; keep the order

-- 3. The database; it goes to the role, with its schemas.
USE ROLE SYSADMIN;
CREATE DATABASE IF NOT EXISTS "IMMUTA" COMMENT = 'Immuta''s own; don''t put anything into it';
USE DATABASE "IMMUTA";
GRANT OWNERSHIP ON DATABASE "IMMUTA" TO ROLE "IMMUTA_SYSTEM" REVOKE CURRENT GRANTS;
GRANT OWNERSHIP ON ALL SCHEMAS IN DATABASE "IMMUTA" TO ROLE "IMMUTA_SYSTEM" COPY CURRENT GRANTS;
GRANT USAGE ON DATABASE "IMMUTA" TO ROLE PUBLIC;

-- 4. What the role needs in there, as the role itself.
USE ROLE "IMMUTA_SYSTEM";
USE WAREHOUSE "COMPUTE_WH";
CREATE SCHEMA IF NOT EXISTS "IMMUTA"."IMMUTA_SYSTEM";
USE SCHEMA "IMMUTA"."IMMUTA_SYSTEM";
CREATE OR REPLACE PROCEDURE "IMMUTA"."IMMUTA_SYSTEM"."IMMUTA_CHECK"()
  RETURNS STRING
  LANGUAGE SQL
  EXECUTE AS OWNER
AS
$$
DECLARE
  checked INTEGER DEFAULT 0;
BEGIN
  checked := checked + 1; -- counted; not more
  RETURN checked || ' checked';
END;
$$;
CALL "IMMUTA"."IMMUTA_SYSTEM"."IMMUTA_CHECK"();
