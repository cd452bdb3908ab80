"""Writing a new domain: a small package that works as it stands, to be changed into one's own."""

import re
from importlib import invalidate_caches
from importlib.util import find_spec
from keyword import iskeyword
from pathlib import Path
from string import Template

from growbase.core.errors import Invalid

TEMPLATES = Path(__file__).parent.parent / "templates" / "domain"
LONGEST = 30
"""Letters of a name: the names of tables, keys and indexes begin with it, and PostgreSQL cuts them off."""


def write_domain(name: str, folder: Path) -> list[Path]:
    """Write the package ``name`` into ``folder`` and return its files. Raises Invalid, and then writes nothing."""
    require_free(name, folder)
    title = name.replace("_", " ").capitalize()
    noun = "".join(part.capitalize() for part in name.split("_"))
    table = f"{name}_items"
    values = {"name": name, "title": title, "class": f"{noun}Item", "table": table, "path": table.replace("_", "-")}
    written = []
    for template in sorted(TEMPLATES.rglob("*.txt")):
        place = str(template.relative_to(TEMPLATES).with_suffix("")).replace("NAME", name)
        path = folder / name / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(Template(template.read_text(encoding="utf-8")).substitute(values), encoding="utf-8")
        written.append(path)
    # The folder was listed a moment ago, when the name was found to be free.
    invalidate_caches()
    return written


def require_free(name: str, folder: Path) -> None:
    """Raise Invalid unless a package of this name can be written into ``folder`` and imported from there."""
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or iskeyword(name) or len(name) > LONGEST:
        message = "must be a name that Python can import, in small letters: loyalty"
        raise Invalid.at("name", "invalid", message)
    if (folder / name).exists():
        raise Invalid.at("name", "taken", "is taken by {path}", path=str(folder / name))
    if find_spec(name) is not None or find_spec(f"growbase.domains.{name}") is not None:
        raise Invalid.at("name", "taken", "is the name of a package that is there already: choose another")
