"""What a failed command says, and the code it exits with."""

import sys

from growbase.core.errors import ConfigError, GrowbaseError, Invalid

FAILED = 1
WRONG = 2
"""The caller has to change something: an argument, a setting, the schema."""

EXIT_CODES: dict[type[GrowbaseError], int] = {
    ConfigError: WRONG,
    Invalid: WRONG,
    GrowbaseError: FAILED,
}


def exit_code(error: GrowbaseError) -> int:
    """Return the code of the nearest kind."""
    return next(EXIT_CODES[kind] for kind in type(error).__mro__ if kind in EXIT_CODES)


def report(error: GrowbaseError) -> int:
    """Print what went wrong and what to do next on standard error, and return the exit code."""
    lines = [str(error)]
    if len(error.fields) > 1:
        lines = [_filled(error.message, error), *(f"  {field.field} {field.text()}" for field in error.fields)]
    if error.hint:
        lines.append(f"hint: {_filled(error.hint, error)}")
    sys.stderr.write("error: " + "".join(f"{line}\n" for line in lines))
    return exit_code(error)


def _filled(template: str, error: GrowbaseError) -> str:
    for name, value in error.params.items():
        template = template.replace("{" + name + "}", str(value))
    return template
