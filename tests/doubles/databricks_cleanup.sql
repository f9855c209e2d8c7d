-- Copyright (c) 2026 The community.immuta contributors
-- GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
-- SPDX-License-Identifier: GPL-3.0-or-later

-- Immuta: remove the resources of the Databricks Unity Catalog integration 7.
-- Run all of it, in this order, as a metastore admin; it isn't a template.
/* The service principal loses what it may do; /* masks and filters are lifted; */ then the catalog goes. */

USE CATALOG `sales`;

-- 1. Lift what Immuta has put on tables elsewhere; its functions can't go before.
ALTER TABLE `sales`.`crm`.`customers` ALTER COLUMN `email` DROP MASK;
ALTER TABLE `sales`.`crm`.`customers` DROP ROW FILTER;
COMMENT ON CATALOG `immuta` IS 'Immuta\'s own; was {{ not_a_template }} -- retired';

-- 2. The service principal may do nothing any more.
REVOKE ALL PRIVILEGES ON CATALOG `sales` FROM `5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77`;
revoke select on catalog system from `5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77`;
REVOKE CREATE CATALOG ON METASTORE FROM `5b0c7f0e-3f0a-4a53-9a6e-2f4b8f3d1c77`;

-- 3. The principal owns the catalog; whoever runs this takes it over, and drops it with all that is in it.
ALTER CATALOG `immuta` SET OWNER TO `account users`;
DROP CATALOG IF EXISTS `immuta` CASCADE;
