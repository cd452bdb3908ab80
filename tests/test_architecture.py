"""The rules of the house that no linter knows."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
FILES = sorted((SRC / "growbase").rglob("*.py"))

LONGEST_FILE = 500
LONGEST_FUNCTION = 60
MEASURED = [path for path in FILES if "versions" not in path.parts]  # a revision is as long as the schema it writes
BANNED_NAMES = {"utils", "helpers", "common", "base", "manager", "service", "handler"}

# Who may write rows: the transaction, the queue, the bulk move and the schema's own history.
WRITERS = re.compile(r"growbase\.(core|jobs|migrations)(\.|$)|growbase\.ops\.move")
WRITE_SQL = re.compile(
    r"\b(INSERT\s+(OR\s+\w+\s+)?INTO|REPLACE\s+INTO|MERGE\s+INTO|DELETE\s+FROM|TRUNCATE\s+TABLE|UPDATE\s+\S+\s+SET)\b",
    re.IGNORECASE,
)
WRITE_FUNCTIONS = {"insert", "update", "delete"}

# Written in two halves, so that this file does not name what it forbids.
FORBIDDEN_TEXT = re.compile(
    "|".join(
        [
            r"pypi\." + "org",
            r"files\.python" + r"hosted\.org",
            r"registry\.npm" + r"js\.org",
            r"deb\.debian" + r"\.org",
            *(rf"(?<![\w.>}}-])/{folder}" + "/" for folder in ("work", "farm", "root")),
        ]
    )
)


def module_name(path: Path) -> str:
    parts = path.relative_to(SRC).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in FILES}


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def where(path: Path, node: ast.AST) -> str:
    return f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 1)}"


def test_no_file_is_longer_than_500_lines() -> None:
    """A longer file owns more than one noun, and nobody reads it whole."""
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in MEASURED}
    assert {path: length for path, length in lengths.items() if length > LONGEST_FILE} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    """A longer function does more than its name says, and does not fit on a screen."""
    too_long = [
        f"{where(path, node)} {node.name}: {length} lines"
        for path in MEASURED
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := (node.end_lineno or node.lineno) - node.lineno + 1) > LONGEST_FUNCTION
    ]
    assert too_long == []


def test_only_the_transaction_writes_rows() -> None:
    """A row written past the transaction has no tenant check, no version and no line in the log: nobody can undo it."""
    found = [
        f"{where(path, node)} {what}"
        for name, path in MODULES.items()
        if not WRITERS.match(name)
        for node, what in row_writes(tree(path))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "is_found"),
    [
        ("connection.commit()", True),
        ("from sqlalchemy import insert\ninsert(Campaign)", True),
        ("import sqlalchemy as sa\nsa.delete(Campaign)", True),
        ("Campaign.__table__.update()", True),
        ("sql = f'UPDATE {table} SET name = 1'", True),
        ("sql = 'insert into campaigns values (1)'", True),
        ("sql = 'WITH old AS (SELECT 1) DELETE FROM campaigns'", True),
        ("tx.insert(Campaign)\ntx.update(Campaign, key, {})\n{}.update(a=1)", False),
        ("sql = 'SELECT 1 FOR UPDATE'", False),
        ('def insert():\n    """Run INSERT INTO."""\ninsert()', False),
    ],
)
def test_row_writes_are_recognised(source: str, *, is_found: bool) -> None:
    """The check above is worth what it recognises."""
    assert bool(list(row_writes(ast.parse(source)))) is is_found


def row_writes(module: ast.Module) -> Iterator[tuple[ast.AST, str]]:
    """Yield each place that builds a writing statement or commits."""
    from_sqlalchemy: set[str] = set()
    skipped = docstrings(module)
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "sqlalchemy":
            from_sqlalchemy |= {alias.asname or alias.name for alias in node.names if alias.name in WRITE_FUNCTIONS}
        elif isinstance(node, ast.JoinedStr):
            skipped |= {id(part) for part in node.values}
            text = "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values)
            if WRITE_SQL.search(text):
                yield node, text
        elif is_write_text(node) and id(node) not in skipped:
            yield node, ast.unparse(node)
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and is_write_call(node.func, from_sqlalchemy):
            yield node, ast.unparse(node.func)


def is_write_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str) and bool(WRITE_SQL.search(node.value))


def is_write_call(function: ast.expr, from_sqlalchemy: set[str]) -> bool:
    if isinstance(function, ast.Name):
        return function.id in from_sqlalchemy
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value
    on_sqlalchemy = isinstance(owner, ast.Name) and owner.id in {"sa", "sqlalchemy"}
    on_table = isinstance(owner, ast.Attribute) and owner.attr == "__table__"
    return function.attr == "commit" or (function.attr in WRITE_FUNCTIONS and (on_sqlalchemy or on_table))


def docstrings(module: ast.Module) -> set[int]:
    """Return the identities of all bare string statements: documentation, never SQL that is run."""
    return {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}


def test_no_import_cycle() -> None:
    """Modules in a cycle can only be understood, tested and moved together."""
    graph = {name: set(imports(name, path)) for name, path in MODULES.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("An import cycle: " + " <- ".join(error.args[1]), pytrace=False)


def imports(name: str, path: Path) -> Iterator[str]:
    """Yield the modules of the package that `name` imports when it is itself imported."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in import_time_statements(tree(path).body):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom):
            origin = node.module or ""
            if node.level:
                above = package.rsplit(".", node.level - 1)[0]
                origin = f"{above}.{origin}" if origin else above
            for alias in node.names:
                inner = f"{origin}.{alias.name}"
                found = inner if inner in MODULES else origin
                if found in MODULES:
                    yield found


def import_time_statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements that run at import, leaving out functions and blocks for type checkers."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from import_time_statements(node.orelse)
            continue
        yield node
        for block in ("body", "orelse", "finalbody"):
            yield from import_time_statements(getattr(node, block, []))
        for handler in getattr(node, "handlers", []):
            yield from import_time_statements(handler.body)


def test_no_module_has_a_name_that_says_nothing() -> None:
    """A module called utils owns nothing, so everything ends up in it."""
    assert [name for name in MODULES if BANNED_NAMES & set(name.split("."))] == []


def test_every_module_says_what_it_owns() -> None:
    """A stranger finds the right file by its first sentence."""
    assert [name for name, path in MODULES.items() if not ast.get_docstring(tree(path))] == []


def test_every_public_function_and_class_has_a_docstring() -> None:
    """Locks, units, costs and errors are not in a signature; they are said in one sentence or learned in production."""
    silent = [
        f"{where(path, node)} {node.name}"
        for path in FILES
        if "versions" not in path.parts  # Alembic names the two functions of a revision and says what they do
        for node in public_definitions(tree(path).body)
        if not ast.get_docstring(node)
    ]
    assert silent == []


def public_definitions(body: list[ast.stmt]) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield public functions and classes, and the public methods of those, at any depth of classes."""
    for node in body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or node.name.startswith("_"):
            continue
        decorators = {ast.unparse(decorator).rpartition(".")[2] for decorator in node.decorator_list}
        if decorators & {"overload", "override", "setter", "deleter"}:
            continue
        yield node
        if isinstance(node, ast.ClassDef):
            yield from public_definitions(node.body)


def test_no_file_names_a_registry_or_a_path_of_one_machine() -> None:
    """A checkout must work behind any mirror and in any folder."""
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    found = []
    for name in filter(None, listed.stdout.decode().split("\0")):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b""
        if b"\0" in content:
            continue
        for number, line in enumerate(content.decode(errors="replace").splitlines(), 1):
            if match := FORBIDDEN_TEXT.search(line):
                found.append(f"{name}:{number} {match[0]}")
    assert found == []


IMPORT_QUIETLY = """
import os, sys, sysconfig
libraries = (sys.prefix, sys.base_prefix, *sysconfig.get_paths().values(), sys.argv[1])
harmless = (*libraries, "/proc/")  # prometheus-client looks at its own process
seen = []

def watch(event, arguments):
    if event in ("sqlite3.connect", "socket.connect", "subprocess.Popen"):
        seen.append(f"{event} {arguments[0]}")
    if event == "open" and isinstance(arguments[0], str):
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or not os.path.abspath(path).startswith(harmless):
            seen.append(f"open {path}")

sys.addaudithook(watch)
import growbase
print("\\n".join(seen))
"""


def test_importing_the_package_reads_no_settings_and_touches_no_disk(tmp_path: Path) -> None:
    """A library that acts when it is imported can't be documented, embedded or tested."""
    imported = subprocess.run(
        [sys.executable, "-B", "-c", IMPORT_QUIETLY, str(SRC)],
        cwd=tmp_path,
        # Settings refuse a name they do not know, so this import fails if it loads them.
        env={"PYTHONPATH": str(SRC), "GROWBASE_NO_SUCH_SETTING": "1", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert imported.returncode == 0, imported.stderr
    assert imported.stdout.strip() == ""
    assert list(tmp_path.iterdir()) == []
