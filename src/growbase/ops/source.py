"""Python source of revisions: calls and lists, laid out as the formatter would."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

WIDTH = 120


@dataclass(frozen=True, slots=True)
class Call:
    """A call, or with an empty name and brackets a list; ``key`` makes it a keyword argument."""

    name: str
    arguments: tuple["Node", ...]
    key: str = ""
    tail: str = ""
    brackets: str = "()"


Node: TypeAlias = Call | str
"""A call, or source as it is."""


def call(name: str, /, *arguments: Node, **keywords: Node) -> Call:
    """Return a call with positional and keyword arguments."""
    named = [_keyed(key, value) for key, value in keywords.items()]
    return Call(name, (*arguments, *named))


def listed(items: Iterable[Node]) -> Call:
    """Return a list."""
    return Call("", tuple(items), brackets="[]")


def _keyed(key: str, value: Node) -> Node:
    if isinstance(value, str):
        return f"{key}={value}"
    return Call(value.name, value.arguments, key, value.tail, value.brackets)


def quoted(text: str) -> str:
    """Return a string literal with the quotes that need no escape."""
    if '"' in text and "'" not in text:
        return repr(text)
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def sql(statement: str) -> str:
    """Return the literal of a statement for ``op.execute``, which would take a colon before a name for a parameter."""
    escaped = _escaped(statement.strip())
    if "\n" not in escaped:
        return quoted(escaped)
    prefix = "r" if "\\" in escaped else ""
    return f'{prefix}"""\n{escaped}\n"""'


def _escaped(statement: str) -> str:
    pieces = []
    for place, letter in enumerate(statement):
        before, after = statement[place - 1 : place], statement[place + 1 : place + 2]
        is_parameter = (
            letter == ":" and (after.isalnum() or after == "_") and not (before.isalnum() or before in {":", "_"})
        )
        pieces.append("\\:" if is_parameter else letter)
    return "".join(pieces)


def unescaped(statement: str) -> str:
    """Return the statement that ``sql`` escaped."""
    return statement.replace("\\:", ":")


def flat(node: Node) -> str:
    """Return source on one line."""
    if isinstance(node, str):
        return node
    opening, closing = node.brackets[0], node.brackets[1]
    inner = ", ".join(flat(argument) for argument in node.arguments)
    return f"{_head(node)}{opening}{inner}{closing}{node.tail}"


def _head(node: Call) -> str:
    return f"{node.key}={node.name}" if node.key else node.name


def lines(node: Node, indent: int, end: str = "") -> list[str]:
    """Return source as indented lines: one if it fits, else arguments on one line, else one each."""
    margin = " " * indent
    text = flat(node)
    is_block = not isinstance(node, str) and any("\n" in str(argument) for argument in node.arguments)
    if isinstance(node, str) or is_block or len(margin + text + end) <= WIDTH:
        return [margin + text + end]
    if node.tail and (chained := _broken_in_tail(node, margin, end)):
        return chained
    opening, closing = node.brackets[0], node.brackets[1]
    inner = ", ".join(flat(argument) for argument in node.arguments)
    first, last = f"{margin}{_head(node)}{opening}", f"{margin}{closing}{node.tail}{end}"
    if len(margin) + 4 + len(inner) <= WIDTH:
        return [first, f"{margin}    {inner}", last]
    return [first, *(line for argument in node.arguments for line in lines(argument, indent + 4, ",")), last]


def _broken_in_tail(node: Call, margin: str, end: str) -> list[str]:
    """Return source whose second call is broken, if that is enough."""
    name, _, argument = node.tail.removesuffix(")").partition("(")
    first = f"{margin}{flat(node).removesuffix(node.tail)}{name}("
    return [first, f"{margin}    {argument}", f"{margin}){end}"] if len(first) <= WIDTH else []
