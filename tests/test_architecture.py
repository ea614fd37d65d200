"""The house rules, read off the source: who imports whom, who commits, how long a module is."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from sqlalchemy.orm import configure_mappers

from lib.core.settings import ROOT
from lib.models import Base

LIBRARY = sorted((ROOT / "lib").rglob("*.py"))
PAGES = sorted((ROOT / "pages").glob("*.py"))
SOURCES = [ROOT / "app.py", *PAGES, *LIBRARY]

LONGEST_PAGE = 120
LONGEST_MODULE = 400


def where(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in the file, a submodule by its full name."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{where(path)} has a relative import"
            yield str(node.module)
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def calls(path: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree(path)) if isinstance(node, ast.Call))


def breaches(allowed: tuple[str, ...], module: str) -> list[str]:
    """Files outside the allowed places that import a module."""
    return [
        where(path)
        for path in SOURCES
        if any(name == module or name.startswith(f"{module}.") for name in imports(path))
        and not where(path).startswith(allowed)
    ]


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("stripe", ("lib/payments/gateway/", "lib/payments/sandbox/")),
        ("streamlit", ("app.py", "pages/", "lib/ui/", "lib/web/")),
        (
            "plotly",
            (
                "lib/metrics/figures.py",
                "lib/metrics/drawing.py",
                "lib/metrics/journey_figures.py",
                "lib/metrics/money_figures.py",
                "lib/metrics/outlook_figures.py",
                "lib/metrics/experiment_figures.py",
                "lib/metrics/revenue_figures.py",
                "lib/metrics/bridge_figures.py",
                "lib/metrics/usage_figures.py",
            ),
        ),
        ("statsmodels", ("lib/metrics/",)),
        ("reportlab", ("lib/services/month_close/files/",)),
        ("alembic", ("lib/core/schema/",)),
        ("typer", ("lib/cli/",)),
        ("authlib", ("lib/web/", "lib/ui/")),
        ("pandas", ("lib/ui/", "lib/metrics/", "lib/web/")),
    ],
)
def test_a_library_is_imported_only_where_it_belongs(module: str, allowed: tuple[str, ...]) -> None:
    assert breaches(allowed, module) == []


def test_only_the_settings_look_at_the_environment() -> None:
    looking = {
        where(path)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"environ", "getenv", "environb", "putenv"}
    }

    assert looking == {"lib/core/settings.py"}


# A room may use those below it and those of its own line. `web` and `cli` stand beside `ui`, and every entry
# point may use everything.
FLOORS = (
    {"models"},
    {"core"},
    {"payments"},
    {"services", "metrics", "jobs", "demo"},
    {"ui", "web", "cli", "supervisor"},
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}
NOT_OF_THE_HOUSE = {"lib/__init__.py", "lib/__main__.py"}


def room_of(path: Path) -> str:
    return path.relative_to(ROOT / "lib").parts[0].removesuffix(".py")


def room(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if parts[0] == "lib" and len(parts) > 1 else None


def test_imports_run_one_way() -> None:
    upward = {
        (where(path), name)
        for path in LIBRARY
        if where(path) not in NOT_OF_THE_HOUSE
        for name in imports(path)
        if (used := room(name)) and FLOOR[used] > FLOOR[str(room_of(path))]
    }

    assert upward == set()


def test_every_room_has_its_floor() -> None:
    rooms = {room_of(path) for path in LIBRARY if where(path) not in NOT_OF_THE_HOUSE}

    assert rooms == set(FLOOR)


PAGES_IMPORT = ("streamlit", "lib.ui", "lib.services", "lib.metrics", "lib.core.access")


@pytest.mark.parametrize("path", PAGES, ids=where)
def test_a_page_only_composes(path: Path) -> None:
    used = {name for name in imports(path) if name not in {"lib", "lib.core"}}
    nodes = {type(node) for node in ast.walk(tree(path))}

    assert {name for name in used if not name.startswith(PAGES_IMPORT)} == set()
    assert nodes & {ast.Try, ast.BinOp, ast.AugAssign, ast.FunctionDef, ast.ClassDef} == set()
    assert len(path.read_text("utf-8").splitlines()) <= LONGEST_PAGE


@pytest.mark.parametrize("path", PAGES, ids=where)
def test_a_page_asks_for_its_permission_before_anything_else(path: Path) -> None:
    docstring, *rest = tree(path).body
    first = next(node for node in rest if not isinstance(node, ast.Import | ast.ImportFrom))

    assert isinstance(docstring, ast.Expr)
    assert ast.unparse(first).startswith("ui.page(")


def test_no_module_is_too_long() -> None:
    lengths = {where(path): len(path.read_text("utf-8").splitlines()) for path in SOURCES}

    assert {name: lines for name, lines in lengths.items() if lines > LONGEST_MODULE} == {}


def test_nothing_unsafe_is_shown_as_html() -> None:
    unsafe = [
        where(path)
        for path in SOURCES
        for call in calls(path)
        if any(keyword.arg == "unsafe_allow_html" for keyword in call.keywords)
        # Both take it as their second argument as well.
        or (ast.unparse(call.func) in {"st.markdown", "st.caption"} and len(call.args) > 1)
    ]

    assert unsafe == []


# Where the browser is given a script: a constant, which the Content-Security-Policy knows by its hash.
SCRIPTING = {"lib/ui/finder.py"}


def test_a_script_is_shown_only_where_it_is_a_constant() -> None:
    scripting = {
        where(path)
        for path in SOURCES
        for call in calls(path)
        if ast.unparse(call.func) == "st.html"
        or any(keyword.arg == "unsafe_allow_javascript" for keyword in call.keywords)
    }

    assert scripting == SCRIPTING


# Who ends a transaction by hand, and why it is neither an action nor a job.
COMMITTING = {"lib/core/work.py": "every action, job and note"}


def test_nobody_commits_but_the_work() -> None:
    committing = {
        where(path)
        for path in LIBRARY
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "commit"
        and not where(path).startswith("lib/payments/sandbox/")  # Stripe's own database, not ours
    }

    assert committing == set(COMMITTING)


def test_relations_are_never_loaded_behind_ones_back() -> None:
    configure_mappers()
    lazy = {
        f"{mapper.class_.__name__}.{relation.key}": relation.lazy
        for mapper in Base.registry.mappers
        for relation in mapper.relationships
    }

    assert set(lazy.values()) == {"raise_on_sql"}


# Stripe has a clock of its own, which tests move.
CLOCKS = ("lib/core/moments.py", "lib/payments/sandbox/")


def test_there_is_one_clock() -> None:
    looking = {
        where(path)
        for path in SOURCES
        for call in calls(path)
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in {"now", "utcnow", "today"}
        and ast.unparse(call.func.value) in {"datetime", "date", "datetime.datetime", "datetime.date"}
    }

    assert {name for name in looking if not name.startswith(CLOCKS)} == set()


VAGUE = ("Manager", "Helper", "Util", "Utils", "Processor")


def test_names_say_what_things_are() -> None:
    vague = {
        (where(path), node.name)
        for path in SOURCES
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        and (node.name.endswith(VAGUE) or node.name.startswith(("handle_", "process_data")))
    }

    assert vague == set()


def test_every_module_and_every_public_name_says_what_it_promises() -> None:
    silent = {
        (where(path), getattr(node, "name", "the module"))
        for path in LIBRARY
        if tree(path).body
        for node in (tree(path), *tree(path).body)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and not getattr(node, "name", "").startswith("_")
        and not ast.get_docstring(node)
    }

    assert silent == set()
