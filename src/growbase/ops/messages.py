"""Collecting every message a person may read from the source, and keeping the translation catalogues complete.

A message id is the English template as it stands in the code: the docstring of an error and its hint, the text given
to an error, and the name of a noun that a message may speak of; what a page's template says; and the labels made of the
names of tables, columns, states and verbs. Nothing is imported for it: the syntax tree is enough.
"""

import ast
import re
import string
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from growbase.core.catalogue import TRANSLATED
from growbase.core.labels import label_of

PACKAGE: Final = Path(__file__).resolve().parent.parent
ROOT_ERROR: Final = "GrowbaseError"
IN_TEMPLATE: Final = re.compile(r"(?:\b_|\bw\.say)\(\s*'((?:[^'\\]|\\.)*)'")
"""A message in a template: ``_('...')`` or ``w.say('...')``."""
LISTS: Final = ("MESSAGES", "TEMPLATES", "reasons")
"""Dictionaries whose values are messages, wherever they are used."""
WIDTH: Final = 120
UNWANTED: Final = ('"Report-Msgid-Bugs-To:', '"Generated-By:')
"""Headers that would change with the version of a library, or say nothing."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message id and the first place it stands at, as ``file:line``."""

    id: str
    place: str


def collect_messages(package: Path = PACKAGE) -> list[Message]:
    """Return every message id of a package, each once: in the order of its files, the templates' last."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in sorted(package.rglob("*.py"))}
    errors = _error_names(trees.values())
    takers = _takers(trees.values())
    found: dict[str, Message] = {}
    for path, tree in trees.items():
        source = _Source(tree, errors, takers)
        is_command = path.relative_to(package).parts[0] == "cli"
        for text, line in (*source.messages(), *(() if is_command else labels(tree))):
            if _says_something(text):
                found.setdefault(text, Message(text, f"{path.relative_to(package)}:{line}"))
    for path in sorted(package.rglob("templates/**/*.html")):
        for line, text in _in_template(path.read_text(encoding="utf-8")):
            found.setdefault(text, Message(text, f"{path.relative_to(package)}:{line}"))
    return list(found.values())


def _in_template(source: str) -> Iterator[tuple[int, str]]:
    for found in IN_TEMPLATE.finditer(source):
        yield source.count("\n", 0, found.start()) + 1, found[1].replace("\\'", "'")


def labels(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield what pages call the tables, columns, states, verbs and fields of requests that a module declares."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            for name, line in _named_in(node):
                yield label_of(name), line
            yield from _settings_in(node)
        elif isinstance(node, ast.Dict):
            for key, value in zip(node.keys, node.values, strict=True):
                is_verb = isinstance(value, ast.Call) and ast.unparse(value.func) == "Verb"
                if is_verb and isinstance(key, ast.Constant):
                    yield label_of(str(key.value)), node.lineno
        elif isinstance(node, ast.keyword) and node.arg == "help" and isinstance(node.value, ast.Constant):
            yield str(node.value.value), node.value.lineno


def _named_in(node: ast.ClassDef) -> Iterator[tuple[str, int]]:
    """Yield the names a class gives to what people see: of its table, its columns or fields, or its states."""
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    for line in node.body:
        if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str):
            if "StrEnum" in bases or _target(line) == "__tablename__":
                yield line.value.value, line.lineno
        elif isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            is_column = ast.unparse(line.annotation).startswith("Mapped[")
            is_field = bool(bases & {"BaseModel", "_Request", "Request"})
            is_shown = is_column and not any(word in ast.unparse(line) for word in ("hidden=True", "norm("))
            if is_shown or is_field:
                yield line.target.id.strip("_"), line.lineno


def _settings_in(node: ast.ClassDef) -> Iterator[tuple[str, int]]:
    """Yield what each setting of a class of settings is for."""
    if "BaseSettings" not in {ast.unparse(base) for base in node.bases}:
        return
    for line in node.body:
        for keyword in (
            line.value.keywords if isinstance(line, ast.AnnAssign) and isinstance(line.value, ast.Call) else ()
        ):
            if keyword.arg == "description" and isinstance(keyword.value, ast.Constant):
                yield str(keyword.value.value), line.lineno


def placeholders(template: str) -> set[str]:
    """Return the names of the parameters of a message. Raises ValueError if it is no template."""
    return {name for _, name, _, _ in string.Formatter().parse(template) if name is not None}


def catalogues(package: Path = PACKAGE) -> dict[str, Path]:
    """Return the catalogue file of each language but English."""
    return {path.parent.parent.name: path for path in sorted(package.glob("locales/*/LC_MESSAGES/growbase.po"))}


def read_catalogue(path: Path) -> Catalog:
    """Read a catalogue file."""
    return read_po(BytesIO(path.read_bytes()), locale=path.parent.parent.name)


def add_missing(path: Path, messages: Iterable[Message]) -> list[str]:
    """Add the messages a catalogue lacks, without translation, and return all ids that need one."""
    catalogue = read_catalogue(path)
    for message in messages:
        if message.id not in catalogue:
            catalogue.add(message.id)
    write_catalogue(path, catalogue)
    return untranslated(catalogue)


def write_catalogue(path: Path, catalogue: Catalog) -> None:
    """Write a catalogue file."""
    buffer = BytesIO()
    write_po(buffer, catalogue, width=WIDTH, no_location=True)
    lines = buffer.getvalue().decode().rstrip().splitlines()
    path.write_text("\n".join(line for line in lines if not line.startswith(UNWANTED)) + "\n", encoding="utf-8")


def untranslated(catalogue: Catalog) -> list[str]:
    """Return the ids without a translation that is sure."""
    return [str(message.id) for message in catalogue if message.id and (message.fuzzy or not message.string)]


class _Source:
    """The messages of one file."""

    def __init__(self, tree: ast.Module, errors: set[str], takers: dict[str, int]) -> None:
        self.tree = tree
        self.errors = errors
        self.takers = takers

    def messages(self) -> Iterator[tuple[str, int]]:
        """Yield each message with its line."""
        yield from self._walk(self.tree, [self.tree])

    def _walk(self, node: ast.AST, scopes: list[ast.AST]) -> Iterator[tuple[str, int]]:
        if isinstance(node, ast.ClassDef):
            yield from self._class(node)
        if isinstance(node, ast.Assign | ast.AnnAssign) and _target(node) in LISTS and isinstance(node.value, ast.Dict):
            for part in (part for value in node.value.values for part in ast.walk(value)):
                if isinstance(part, ast.Constant) and isinstance(part.value, str) and " " in part.value:
                    yield part.value, part.lineno
        if isinstance(node, ast.Call):
            for expression in self._arguments(node):
                for text in _strings(expression, scopes):
                    yield text, node.lineno
        inner = [*scopes, node] if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else scopes
        for child in ast.iter_child_nodes(node):
            yield from self._walk(child, inner)

    def _class(self, node: ast.ClassDef) -> Iterator[tuple[str, int]]:
        if node.name in self.errors:
            message, _, hint = (ast.get_docstring(node) or "").partition("\n\n")
            yield " ".join(message.split()), node.lineno
            yield " ".join(hint.split()), node.lineno
        if any(isinstance(line, ast.Assign | ast.AnnAssign) and _target(line) == "__tablename__" for line in node.body):
            yield re.sub(r"(?<!^)(?=[A-Z])", " ", node.name).lower(), node.lineno

    def _arguments(self, call: ast.Call) -> Iterator[ast.expr]:
        """Yield the arguments of a call that are messages."""
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        named = {keyword.arg: keyword.value for keyword in call.keywords}
        if name in self.errors:
            yield from call.args[:1]
        elif name == "ValueError":
            yield from (argument for argument in call.args[:1] if " " in ast.unparse(argument))
        elif name == "say" and isinstance(call.func, ast.Attribute):
            yield from call.args[:1]
        elif name in self.takers:
            yield from call.args[self.takers[name] : self.takers[name] + 1]
            yield from (value for key, value in named.items() if key == "message")
        if name in self.errors or name in self.takers:
            yield from (value for key, value in named.items() if key in TRANSLATED)


def _error_names(trees: Iterable[ast.Module]) -> set[str]:
    """Return the names of all error classes, by what they derive from."""
    classes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    names = {ROOT_ERROR}
    while True:
        more = {
            node.name
            for node in classes
            for base in node.bases
            if (base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")) in names
        }
        if more <= names:
            return names
        names |= more


def _takers(trees: Iterable[ast.Module]) -> dict[str, int]:
    """Return the functions that take a message, with its place among the arguments of a call."""
    found = {"FieldError": 2, "translate": 1}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name != "__init__":
                names = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
                names = names[1:] if names[:1] in (["self"], ["cls"]) else names
                if "message" in names:
                    found[node.name] = names.index("message")
    return found


def _strings(node: ast.expr, scopes: list[ast.AST]) -> Iterator[str]:
    """Yield the constant strings an expression may have as its value."""
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.IfExp(body=first, orelse=second):
            yield from _strings(first, scopes)
            yield from _strings(second, scopes)
        case ast.BoolOp(values=values):
            for value in values:
                yield from _strings(value, scopes)
        case ast.Dict(values=values):
            for value in values:
                yield from _strings(value, scopes)
        case ast.Subscript(value=value):
            yield from _strings(value, scopes)
        case ast.Call(func=ast.Attribute(value=value, attr="get"), args=[_, *rest]):
            for part in (value, *rest):
                yield from _strings(part, scopes)
        case ast.Name(id=name):
            for value in _assigned(name, scopes):
                yield from _strings(value, [])


def _assigned(name: str, scopes: list[ast.AST]) -> Iterator[ast.expr]:
    """Yield what a name is set to in the innermost scope that sets it."""
    for scope in reversed(scopes):
        found = [
            node.value
            for node in ast.walk(scope)
            if isinstance(node, ast.Assign | ast.AnnAssign) and _target(node) == name and node.value is not None
        ]
        if found:
            yield from found
            return


def _target(node: ast.Assign | ast.AnnAssign) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return target.id if isinstance(target, ast.Name) else ""


def _says_something(text: str) -> bool:
    """Return whether a text is more than a placeholder or a code."""
    return bool(re.search(r"[A-Za-z]", re.sub(r"{\w*}", "", text)))


def main() -> int:
    """Bring every catalogue up to date and name what has no translation yet; the exit code is 1 if there is any."""
    messages = collect_messages()
    waiting = 0
    for language, path in catalogues().items():
        for missing in add_missing(path, messages):
            waiting += 1
            sys.stdout.write(f"{language}: {missing}\n")
    sys.stdout.write(f"{len(messages)} messages, {waiting} to translate\n")
    return 1 if waiting else 0


if __name__ == "__main__":
    sys.exit(main())
