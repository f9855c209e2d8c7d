-- community.immuta clean-up script, do not edit: {"connection_key": "prod snowflake", "dialect": "snowflake", "integration_id": 5, "sha256": "d5b7ca1401129a23654d08e1b21f3c94098d55c0c30683991a9bb9be0db404ee", "technology": "Snowflake", "url": "https://example.hosted.immutacloud.com", "version": 1}
-- Immuta
USE ROLE ACCOUNTADMIN;
DROP DATABASE IF EXISTS IMMUTA;
DROP ROLE IF EXISTS IMMUTA_SYSTEM;
