"""A merchant's rows are seen and written in his units only, and districts are valid; on PostgreSQL alone."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TENANT = "coalesce(current_setting('geo_offers.tenant', true), '')"
_HIS = {
    "merchants": "id",
    "promotions": "merchant_id",
    "promotion_versions": "merchant_id",
    "shop_owners": "merchant_id",
    "coupons": "merchant_id",
    "redemptions": "merchant_id",
    "ledger": "merchant_id",
}
#: Whether a shop has any owner: asked as an operator, for whom the owners of all shops are there. The role
#: that migrates may not declare the setting for a function (SET …), so that the function sets it by itself.
_HAS_OWNER = """
CREATE FUNCTION geo_offers_has_owner(wanted text) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
    tenant text := current_setting('geo_offers.tenant', true);
    has_owner boolean;
BEGIN
    PERFORM set_config('geo_offers.tenant', '', true);
    has_owner := EXISTS (SELECT 1 FROM shop_owners WHERE shop_id = wanted);
    PERFORM set_config('geo_offers.tenant', tenant, true);
    RETURN has_owner;
END $$
"""
_OF_HIS_PROMOTION = ("pool_codes", "usage_totals", "usage_periods", "usage_visitors")


def upgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    for table, column in _HIS.items():
        _protect(table, f"{column} = (SELECT {_TENANT})")
    for table in _OF_HIS_PROMOTION:
        his = f"owned.id = {table}.promotion_id AND owned.merchant_id = {_TENANT}"
        _protect(table, f"EXISTS (SELECT 1 FROM promotions owned WHERE {his})")
    _protect_shops()
    op.execute("ALTER TABLE districts ADD CONSTRAINT ck_districts_geom_valid CHECK (ST_IsValid(geom))")


def downgrade() -> None:
    if op.get_context().dialect.name != "postgresql":
        return
    op.execute("ALTER TABLE districts DROP CONSTRAINT ck_districts_geom_valid")
    for policy in ("tenant_sees", "tenant_adds", "tenant_changes", "tenant_deletes"):
        op.execute(f"DROP POLICY {policy} ON shops")
    op.execute("DROP FUNCTION geo_offers_has_owner(text)")
    for table in (*_HIS, *_OF_HIS_PROMOTION):
        op.execute(f"DROP POLICY tenant ON {table}")
    for table in (*_HIS, *_OF_HIS_PROMOTION, "shops"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY")


def _protect(table: str, his: str) -> None:
    _bind_everybody(table)
    op.execute(f"CREATE POLICY tenant ON {table} USING ({_unless_operator(his)})")


def _protect_shops() -> None:
    """A new shop is nobody's until its row of shop_owners is made: a unit sees those too, but changes only his."""
    op.execute(_HAS_OWNER)
    _bind_everybody("shops")
    of_both = f"owned.shop_id = shops.id AND owned.merchant_id = {_TENANT}"
    owned = f"EXISTS (SELECT 1 FROM shop_owners owned WHERE {of_both})"
    his = _unless_operator(owned)
    seen = _unless_operator(f"{owned} OR NOT geo_offers_has_owner(id)")
    op.execute(f"CREATE POLICY tenant_sees ON shops FOR SELECT USING ({seen})")
    op.execute("CREATE POLICY tenant_adds ON shops FOR INSERT WITH CHECK (true)")
    op.execute(f"CREATE POLICY tenant_changes ON shops FOR UPDATE USING ({his})")
    op.execute(f"CREATE POLICY tenant_deletes ON shops FOR DELETE USING ({his})")


def _bind_everybody(table: str) -> None:
    """The owner of the table too: that is who we are."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")


def _unless_operator(his: str) -> str:
    # CASE and not OR: the planner takes it for half of the rows, and not for next to none, which would
    # make nested loops of an operator's large joins. The setting is looked up once a statement.
    return f"CASE WHEN (SELECT {_TENANT} = '') THEN true ELSE {his} END"
