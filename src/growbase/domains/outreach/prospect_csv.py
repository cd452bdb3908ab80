"""Reading a CSV file of prospects as spreadsheets write them: any encoding, delimiter and heading they use."""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import cache
from typing import IO, Any

from growbase.core.delimited import heading_of, records_of, without_apostrophe
from growbase.core.errors import FieldError, Invalid
from growbase.core.folding import fold_email
from growbase.core.model import Rule, rule_of, table_of
from growbase.core.strict_json import NUL
from growbase.domains.outreach.models import Prospect

MAX_ROWS = 100_000
MAX_CELL = 20_000
ERRORS_KEPT = 100
"""Errors a report lists; ``error_count`` counts them all."""
CUSTOM = "custom_fields."
FULL_NAME = "full_name"

FIELDS = (
    *("email", "first_name", "last_name", "job_title", "phone", "linkedin_url", "website_url", "notes"),
    *("company_name", "company_domain", "company_industry", "company_size", "company_revenue", "company_location"),
    "company_description",
)
"""The columns a file may fill: never the stage, the owner or an opt-out."""

ALIASES: Mapping[str, str] = {
    alias: name
    for name, aliases in {
        "email": "e mail, mail, email address, e mail address, work email, adresse e mail, adresse email, courriel",
        "first_name": "firstname, given name, forename, prenom, prénom, vorname",
        "last_name": "lastname, surname, family name, nom, nom de famille, nachname",
        FULL_NAME: "full name, fullname, name, contact, contact name, nom complet",
        "job_title": "title, position, role, job, fonction, poste",
        "phone": "phone number, telephone, mobile, tel, téléphone, telefon",
        "linkedin_url": "linkedin, linkedin profile, profile url, person linkedin url",
        "website_url": "website, url, web site, site web, homepage",
        "notes": "note, comment, comments, commentaire",
        "company_name": "company, organization, organisation, account, account name, entreprise, société, firma",
        "company_domain": "domain, company website domain, domaine",
        "company_industry": "industry, sector, secteur",
        "company_size": "size, employees, taille",
        "company_revenue": "revenue, annual revenue",
        "company_location": "location, city, country, ville, pays",
        "company_description": "company description, about",
    }.items()
    for alias in (*aliases.split(", "), name.replace("_", " "))
}
"""What columns are called elsewhere, folded; the fields' own names count too."""

Values = dict[str, Any]


@dataclass(slots=True)
class ParsedFile:
    """The rows that can be imported with their lines, and what was wrong with the others."""

    rows: list[tuple[int, Values]] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    error_count: int = 0
    skipped: int = 0
    ignored: list[str] = field(default_factory=list)
    refused: list[tuple[int, FieldError]] = field(default_factory=list)
    """The errors as they are before a language is chosen."""

    @property
    def row_count(self) -> int:
        """How many rows the file has, the heading left out."""
        return len(self.rows) + self.skipped

    def refuse(self, line: int, found: FieldError) -> None:
        """Count an error, and list it among the first ones."""
        self.error_count += 1
        if len(self.errors) < ERRORS_KEPT:
            self.refused.append((line, found))
            self.errors.append({"line": line, "field": found.field, "code": found.code, "message": found.text()})


def read_prospects(file: IO[bytes], mapping: Mapping[str, str] | None = None) -> ParsedFile:
    """Return the rows of a file; lines are those of a text editor, quoted line ends counted.

    ``mapping`` says which field a heading means, where its name does not. Of rows with the same address the first one
    counts. Raises Invalid if the file as a whole can't be read, or has more than 100,000 rows.
    """
    found = ParsedFile()
    seen: dict[str, int] = {}
    with closing(records_of(file)) as records:
        _, heading = next(records, (0, []))
        targets = _targets(heading, mapping or {}, found)
        for line, record in records:
            if not any(cell.strip() for cell in record):
                continue
            if found.row_count >= MAX_ROWS:
                raise Invalid.at("", "too_long", "must have at most {max} rows", max=MAX_ROWS)
            _read_row(found, line, record, targets, seen)
    return found


def _targets(heading: Sequence[str], mapping: Mapping[str, str], found: ParsedFile) -> list[str | None]:
    """Return the field each column fills. Raises Invalid for a mapping that names none."""
    wanted = {heading_of(name): target for name, target in mapping.items()}
    for name, target in mapping.items():
        if target not in {*FIELDS, FULL_NAME} and not (target.startswith(CUSTOM) and target != CUSTOM):
            choices = ", ".join((*FIELDS, FULL_NAME, f"{CUSTOM}name"))
            raise Invalid.at("map", "unknown", "{name} is no field; use {choices}", name=target, choices=choices)
        if heading_of(name) not in {heading_of(cell) for cell in heading}:
            raise Invalid.at("map", "unknown", "{name} is no column of the file", name=name)
    taken = set(wanted.values())
    targets: list[str | None] = []
    for cell in heading:
        known = wanted.get(heading_of(cell))
        if known is None:
            known = ALIASES.get(heading_of(cell))
            known = None if known in taken else known
        if known is None and cell.strip():
            found.ignored.append(cell.strip()[:100])
        if known is not None:
            taken.add(known)
        targets.append(known)
    if "email" not in targets:
        raise Invalid.at("email", "required", "the file has no column with e-mail addresses: name it with map")
    return targets


def _read_row(
    found: ParsedFile, line: int, record: Sequence[str], targets: Sequence[str | None], seen: dict[str, int]
) -> None:
    values: Values = {}
    wrong: list[FieldError] = []
    for target, cell in zip(targets, record, strict=False):
        text = cell.strip()
        if target is None or not text:
            continue
        text = without_apostrophe(text)
        try:
            _put(values, target, text)
        except Invalid as error:
            wrong += error.fields
    if len(record) > len(targets):
        wrong.append(
            FieldError("", "columns", "has {count} cells, the heading has {expected}", _sizes(record, targets))
        )
    wrong += _missing(values, wrong)
    key = fold_email(values["email"]) if "email" in values else ""
    if not wrong and key in seen:
        wrong.append(FieldError("email", "duplicate", "is the same as in line {line}", {"line": seen[key]}))
    if wrong:
        found.skipped += 1
        for item in wrong:
            found.refuse(line, item)
        return
    seen[key] = line
    found.rows.append((line, values))


def _sizes(record: Sequence[str], targets: Sequence[object]) -> dict[str, object]:
    return {"count": len(record), "expected": len(targets)}


def _missing(values: Values, wrong: Sequence[FieldError]) -> list[FieldError]:
    named = {error.field for error in wrong}
    return [FieldError("email", "required", "is required")] if "email" not in values and "email" not in named else []


def _put(values: Values, target: str, text: str) -> None:
    """Put a cell into a row. Raises Invalid."""
    if len(text) > MAX_CELL:
        raise Invalid.at(target, "too_long", "must have at most {max_length} characters", max_length=MAX_CELL)
    if "\x00" in text or "\ufffd" in text:
        raise Invalid.at(target, *(NUL if "\x00" in text else ("encoding", "has letters that can't be read")))
    if target == FULL_NAME:
        first, _, last = text.rpartition(" ")
        values.setdefault("first_name", first or last)
        if first:
            values.setdefault("last_name", last)
    elif target.startswith(CUSTOM):
        values.setdefault("custom_fields", {})[target.removeprefix(CUSTOM)] = text
    else:
        values[target] = checks()[target](text)


Check = Callable[[str], str]


@cache
def checks() -> Mapping[str, Check]:
    """Return for each field what turns a cell into its value, or raises Invalid, as its column's rule says."""
    columns = table_of(Prospect).columns
    return {name: _check(name, rule_of(columns[name])) for name in FIELDS}


def _check(name: str, rule: Rule) -> Check:
    pattern = re.compile(rule.pattern) if rule.pattern else None
    choices = {member.value for member in rule.enum} if rule.enum else None
    longest = rule.max_length or MAX_CELL

    def check(text: str) -> str:
        if name.endswith("_url") and "://" not in text and "." in text:
            text = f"https://{text}"
        if name == "email":
            text = text.removeprefix("mailto:")
        if choices is not None:
            text = "_".join(re.split(r"[\W_]+", text.lower()))
            if text not in choices:
                expected = ", ".join(repr(choice) for choice in sorted(choices))
                raise Invalid.at(name, "choice", "must be one of {expected}", expected=expected)
        if len(text) > longest:
            raise Invalid.at(name, "too_long", "must have at most {max_length} characters", max_length=longest)
        if pattern is not None and not pattern.search(text):
            raise Invalid.at(name, "pattern", "must match the pattern {pattern}", pattern=rule.pattern)
        return text

    return check
