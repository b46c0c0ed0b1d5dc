"""Whether a statement is restricted to one tenant, read off its expression tree; knows no table of ours.

Only what surely restricts counts: equalities that are joined by AND in WHERE or in the ON of a join. The
reading may refuse a statement that would be right; it never lets one pass that is wrong.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    Column,
    CompoundSelect,
    Delete,
    Insert,
    Join,
    Select,
    Table,
    TableValuedAlias,
    TextClause,
    Update,
)
from sqlalchemy.sql.elements import ClauseList, ColumnClause, Grouping
from sqlalchemy.sql.operators import and_, eq, in_op
from sqlalchemy.sql.selectable import CTE, Alias, FromGrouping, ScalarSelect, Subquery, TextualSelect

_STATEMENTS = (Select, CompoundSelect, Insert, Update, Delete)
_OUTSIDE: frozenset[Any] = frozenset()


class TenantForgotten(RuntimeError):
    """A statement of ours that could reach another tenant's rows: a fault of the program, not of a caller."""


@dataclass(frozen=True, slots=True)
class Through:
    """Rows that are whose the rows of another table are: their `column` is the `key` of `owners`.

    made_first  a row is made before its row of owners, so that a new one is nobody's
    """

    column: str
    owners: str
    key: str
    made_first: bool = False


@dataclass(frozen=True, slots=True)
class Rows:
    """What tables there are, by name: of tenants, with the column that says whose, and shared ones."""

    tenant_of: Mapping[str, str | Through]
    shared: Collection[str]


class Rules:
    """Says of statements whether they reach, make and leave rows of one tenant only.

    A first look at a statement takes a millisecond or two, most of it for what its FROM comes to. What was
    found is kept for statements of the same form: those cost some 0.15 ms. The FORMS last looked at are kept.
    """

    FORMS = 500

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._forms: dict[Any, tuple[int, ...]] = {}

    def require_restricted(
        self, statement: Any, parameters: Sequence[Mapping[str, Any]], tenant: str
    ) -> None:
        """Raise TenantForgotten unless this statement with these rows of parameters is for this tenant only."""
        look = _Look(self._rows, tenant, parameters, [])
        look.at_parameters(statement)
        form = statement._generate_cache_key() if isinstance(statement, _STATEMENTS) else None
        if form is None:
            look.at(statement, _OUTSIDE)
            return
        known = self._forms.get(form.key)
        # Of one form are statements that differ in bound values only: those that say the tenant must say him.
        if known is not None and all(look.is_tenant(form.bindparams[place]) for place in known):
            return
        look.at(statement, _OUTSIDE)
        places = {id(value): place for place, value in enumerate(form.bindparams)}
        if all(id(value) in places for value in look.decisive):
            if len(self._forms) >= self.FORMS:
                self._forms.clear()
            self._forms[form.key] = tuple(places[id(value)] for value in look.decisive)


@dataclass(frozen=True, slots=True)
class _Look:
    """decisive: bound values by which the statement is the tenant's"""

    rows: Rows
    tenant: str
    parameters: Sequence[Mapping[str, Any]]
    decisive: list[BindParameter[Any]]

    def at_parameters(self, statement: Any) -> None:
        """What rows of parameters would write: that is no part of a statement's form."""
        if isinstance(statement, Insert):
            whose = self._whose(statement.table)
            rows = [row for row in self.parameters if row]
            said = isinstance(whose, str) and any(whose in row for row in _fixed_rows(statement))
            if isinstance(whose, str) and not all(
                row[whose] == self.tenant if whose in row else said for row in rows or [{}]
            ):
                raise TenantForgotten(f"a new row of {statement.table.name} is not said to be the tenant's")
        elif isinstance(statement, Update):
            for row in self.parameters:
                self._require_kept(statement.table, row)

    def at(self, statement: Any, outside: frozenset[Any]) -> None:
        """outside: sources of the statement around it, which answer for themselves there"""
        match statement:
            case Select():
                self._at_select(statement, outside)
            case CompoundSelect():
                for one in statement.selects:
                    self.at(one, outside)
            case Update() | Delete():
                self._at_change(statement)
            case Insert():
                self._at_insert(statement)
            case _:
                raise TenantForgotten(f"a {type(statement).__name__} cannot be looked at in a tenant's unit")

    def _at_select(self, select: Select[Any], outside: frozenset[Any]) -> None:
        if not select._auto_correlate:
            outside = outside & frozenset(select._correlate)
        froms = [source for source in select.get_final_froms() if source not in outside]
        sources = [source for one in froms for source in _sources(one)]
        conjuncts = [conjunct for one in select._where_criteria for conjunct in _conjuncts(one)]
        self._require(sources, [*conjuncts, *(on for one in froms for on in _joined_on(one))])
        inside = list(_statements_in(froms))
        for one in inside:
            self.at(one, _OUTSIDE)
        for one in _statements_in(select.get_children()):
            if all(one is not other for other in inside):
                self.at(one, frozenset(sources) | outside)

    def _at_change(self, change: Update | Delete) -> None:
        values = _values_of(change) if isinstance(change, Update) else {}
        parts = [*change._where_criteria, *values.values()]
        sources = {change.table, *_tables_in(parts)}
        self._require(list(sources), [one for part in change._where_criteria for one in _conjuncts(part)])
        if isinstance(change, Update):
            self._require_kept(change.table, values)
        for one in _statements_in(change.get_children()):
            self.at(one, frozenset(sources))

    def _at_insert(self, insert: Insert) -> None:
        whose = self._whose(insert.table)
        if whose is not None and insert.select is not None:
            raise TenantForgotten(f"rows of {insert.table.name} that come from a query may be anybody's")
        if isinstance(whose, Through) and not whose.made_first:
            raise TenantForgotten(f"a new row of {insert.table.name} cannot be seen to be the tenant's")
        if isinstance(whose, str):
            for row in _fixed_rows(insert):
                if whose in row and not self.is_tenant(row[whose]):
                    raise TenantForgotten(f"a new row of {insert.table.name} is not the tenant's")
        clash: Any = insert._post_values_clause
        if clash is not None and hasattr(clash, "update_values_to_set"):
            where = clash.update_whereclause
            self._require([insert.table], [] if where is None else list(_conjuncts(where)))
            changed = {_name(one): value for one, value in dict(clash.update_values_to_set).items()}
            self._require_kept(insert.table, changed)
        for one in _statements_in(insert.get_children()):
            self.at(one, frozenset({insert.table}))

    def _whose(self, table: Any) -> str | Through | None:
        """The column that says whose a row is, None for shared rows."""
        name = _name_of(table)
        if name in self.rows.shared:
            return None
        if name not in self.rows.tenant_of:
            raise TenantForgotten(f"{name} is no table for a tenant's unit")
        return self.rows.tenant_of[name]

    def _require(self, sources: Sequence[Any], conjuncts: Sequence[_Conjunct]) -> None:
        """Every one of these sources that has tenants' rows is restricted by these conditions."""
        needed = {source: whose for source in sources if (whose := self._whose(source)) is not None}
        restricted: set[Any] = set()
        while grown := {
            source
            for source, whose in needed.items()
            if source not in restricted
            and any(self._restricts(one, source, whose, restricted) for one in conjuncts)
        }:
            restricted |= grown
        for source in needed.keys() - restricted:
            raise TenantForgotten(f"{source.name} is not restricted to the tenant")

    def _restricts(
        self, conjunct: _Conjunct, source: Any, whose: str | Through, restricted: set[Any]
    ) -> bool:
        if conjunct.only is not None and source not in conjunct.only:
            return False
        one, operator, other = conjunct.left, conjunct.operator, conjunct.right
        column = whose if isinstance(whose, str) else whose.column
        if operator is in_op:
            return isinstance(whose, Through) and _is(one, source, column) and _gives_key(other, whose)
        for mine, theirs in ((one, other), (other, one)):
            if not _is(mine, source, column):
                continue
            if isinstance(whose, str) and self.is_tenant(theirs):
                return True
            if isinstance(theirs, Column) and theirs.table in restricted:
                return self._says_the_same(whose, theirs)
        return False

    def _says_the_same(self, whose: str | Through, column: Column[Any]) -> bool:
        """Whether being equal to this column of a restricted source makes a row the tenant's."""
        theirs = self._whose(column.table)
        if isinstance(whose, str):
            return column.key == theirs
        if _name_of(column.table) == whose.owners:
            return column.key == whose.key
        return (
            isinstance(theirs, Through)
            and (theirs.owners, theirs.key) == (whose.owners, whose.key)
            and column.key == theirs.column
        )

    def _require_kept(self, table: Any, values: Mapping[str, Any]) -> None:
        """Nothing of these values would hand a row to somebody else."""
        whose = self._whose(table)
        column = whose.column if isinstance(whose, Through) else whose
        if column is None or column not in values:
            return
        value = values[column]
        as_inserted = isinstance(value, Column) and getattr(value.table, "name", None) == "excluded"
        if as_inserted and value.key == column:
            return
        if isinstance(whose, Through) or not self.is_tenant(value):
            raise TenantForgotten(f"a row of {table.name} would become another's")

    def is_tenant(self, value: Any) -> bool:
        """Whether a value is the tenant's id, in every row of parameters."""
        if not isinstance(value, BindParameter):
            return isinstance(value, str) and value == self.tenant
        if any(row.get(value.key, value.effective_value) != self.tenant for row in self.parameters):
            return False
        self.decisive.append(value)
        return True


@dataclass(frozen=True, slots=True)
class _Conjunct:
    """A comparison that holds for every row; of an outer join, for rows of the sources in `only`."""

    left: Any
    operator: Any
    right: Any
    only: frozenset[Any] | None = None


def _conjuncts(clause: Any, only: frozenset[Any] | None = None) -> Iterator[_Conjunct]:
    match clause:
        case Grouping():
            yield from _conjuncts(clause.element, only)
        case BooleanClauseList() if clause.operator is and_:
            for one in clause.clauses:
                yield from _conjuncts(one, only)
        case BinaryExpression() if clause.operator in (eq, in_op):
            yield _Conjunct(clause.left, clause.operator, clause.right, only)


def _joined_on(source: Any) -> Iterator[_Conjunct]:
    if isinstance(source, FromGrouping):
        yield from _joined_on(source.element)
    if not isinstance(source, Join) or source.full:
        return
    yield from _joined_on(source.left)
    yield from _joined_on(source.right)
    only = frozenset(_sources(source.right)) if source.isouter else None
    yield from _conjuncts(source.onclause, only)


def _sources(source: Any) -> Iterator[Any]:
    """The tables, as they are named in a FROM; queries in it are looked at by themselves."""
    match source:
        case Join():
            yield from _sources(source.left)
            yield from _sources(source.right)
        case FromGrouping():
            yield from _sources(source.element)
        case Table():
            yield source
        case TableValuedAlias() | Subquery() | CTE():
            return
        case Alias() if isinstance(source.element, Table):
            yield source
        case _:
            raise TenantForgotten(f"a {type(source).__name__} cannot be looked at in a tenant's unit")


def _statements_in(elements: Iterable[Any]) -> Iterator[Any]:
    """The statements directly within these elements, not those within them; text is refused."""
    rest, seen = list(elements), set()
    while rest:
        element = rest.pop()
        if id(element) in seen:
            continue
        seen.add(id(element))
        if isinstance(element, TextClause | TextualSelect):
            raise TenantForgotten("text in a statement cannot be looked at in a tenant's unit")
        if isinstance(element, ColumnClause):
            if element.is_literal and element.name != "*":
                raise TenantForgotten("text in a statement cannot be looked at in a tenant's unit")
        elif isinstance(element, _STATEMENTS):
            yield element
        elif not isinstance(element, Table):
            rest.extend(element.get_children())


def _tables_in(parts: Iterable[Any]) -> Iterator[Any]:
    """The sources of columns in these expressions, outside of queries in them."""
    rest = list(parts)
    while rest:
        element = rest.pop()
        if isinstance(element, Column):
            yield from _sources(element.table)
        elif hasattr(element, "get_children") and not isinstance(element, _STATEMENTS):
            rest.extend(element.get_children())


def _name_of(table: Any) -> str:
    named: Any = table.element if isinstance(table, Alias) else table
    return str(named.name)


def _is(column: Any, source: Any, name: str) -> bool:
    return isinstance(column, Column) and column.table is source and column.key == name


def _gives_key(query: Any, whose: Through) -> bool:
    """Whether a query, which is looked at by itself, gives keys of the table of owners and nothing else."""
    while isinstance(query, Grouping | ScalarSelect | ClauseList):
        query = query.element if not isinstance(query, ClauseList) else None
    if not isinstance(query, Select):
        return False
    column, *more = query.selected_columns
    if more or not isinstance(column, Column) or column.key != whose.key:
        return False
    table: Any = column.table
    return isinstance(table, Table) and table.name == whose.owners


def _values_of(change: Insert | Update) -> dict[str, Any]:
    ordered = getattr(change, "_ordered_values", None) or ()
    return {_name(column): value for column, value in (*(change._values or {}).items(), *ordered)}


def _fixed_rows(insert: Insert) -> Iterator[dict[str, Any]]:
    """The values that an insert has in itself, row by row."""
    if not insert._multi_values:
        yield _values_of(insert)
    for rows in insert._multi_values:
        for row in rows:
            yield {_name(column): value for column, value in dict(row).items()}


def _name(column: Any) -> str:
    return column if isinstance(column, str) else str(column.key)
