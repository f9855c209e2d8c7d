-- Copyright (c) 2026 The community.immuta contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Immuta: set up the resources of a Databricks Unity Catalog integration.
-- Run all of it, in this order, as a metastore admin; it isn't a template.
/* First the catalog; /* it is Immuta's alone; */ then what the service principal may do; then it gets the catalog. */

CREATE CATALOG IF NOT EXISTS `immuta` COMMENT 'Immuta\'s own; {{ not_a_template }} -- in use';
USE CATALOG `immuta`;
CREATE SCHEMA IF NOT EXISTS `policies` COMMENT 'Masks; and filters';
create schema if not exists immuta.audit;

-- 1. The service principal; don't give it more.
GRANT CREATE CATALOG ON METASTORE TO `5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77`;
GRANT USE CATALOG, USE SCHEMA, MODIFY ON CATALOG `sales` TO `5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77`;
grant select on catalog system to `5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77`;

-- 2. Everybody may use the catalog, since masks and filters run with the rights of whoever asks.
GRANT USE CATALOG ON CATALOG `immuta` TO `account users`;

-- 3. From here on, it's the principal's.
ALTER SCHEMA `immuta`.`policies` SET OWNER TO `5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77`;
ALTER CATALOG `immuta` SET OWNER TO `5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77`;
