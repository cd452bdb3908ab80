"""Where settings come from: the process environment, .env.local, .env and files that hold one secret."""

import difflib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from dotenv import dotenv_values

from growbase.core.errors import FieldError

PREFIX: Final = "GROWBASE_"
Layer: TypeAlias = Mapping[str, str | None]
Found: TypeAlias = dict[str, tuple[str, str]]


def read_sources(
    variables: Mapping[str, bool], aliases: Mapping[str, str], environment: Layer, folder: Path
) -> tuple[Found, list[FieldError]]:
    """Return variable -> (value, source) for each variable that is set, and what is wrong with the sources.

    ``variables`` tells which ones are secrets, which ``<NAME>_FILE`` may give. An alias counts less than the name it
    stands for, wherever that is set; an empty value gives the default back.
    """
    errors: list[FieldError] = []
    layers = {
        ".env": _read_dotenv(folder / ".env", errors),
        ".env.local": _read_dotenv(folder / ".env.local", errors),
        "environment": environment,
    }
    meant: Found = {}
    found: Found = {}
    for label, layer in layers.items():
        errors += _unknown_names(label, layer, variables)
        meant |= {name: (value, f"{label} ({alias})") for alias, name in aliases.items() if (value := layer.get(alias))}
        for variable, is_secret in variables.items():
            value, path = layer.get(variable), layer.get(f"{variable}_FILE") if is_secret else None
            if value and path:
                errors.append(problem(variable, "twice", f"is set beside {variable}_FILE in {label}: keep one of them"))
            elif value:
                found[variable] = (value, label)
            elif path:
                if secret := _read_secret(folder / path, variable, errors):
                    found[variable] = (secret, f"file {path}")
            elif value is not None:
                found.pop(variable, None)
    return meant | found, errors


def problem(variable: str, code: str, text: str) -> FieldError:
    """Build what is said about one setting; ``text`` follows its name and may quote anything."""
    return FieldError(variable, code, "{problem}", {"problem": text})


def _read_dotenv(path: Path, errors: list[FieldError]) -> Layer:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        errors.append(problem(path.name, "unreadable", f"can't be read as UTF-8 text: {error}"))
        return {}
    # No interpolation: it would read the process environment, and a password may hold a dollar sign.
    return dotenv_values(stream=io.StringIO(text), interpolate=False)


def _read_secret(path: Path, variable: str, errors: list[FieldError]) -> str:
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        # The error's text may quote bytes of the file.
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        errors.append(problem(f"{variable}_FILE", "unreadable", f"names {path}, which can't be read: {reason}"))
        return ""
    if not text:
        errors.append(problem(f"{variable}_FILE", "empty", f"names {path}, which is empty: write the value into it"))
    return text


def _unknown_names(label: str, layer: Layer, variables: Mapping[str, bool]) -> Iterator[FieldError]:
    known = [*variables, *(f"{variable}_FILE" for variable, is_secret in variables.items() if is_secret)]
    for name in sorted(layer):
        if name.upper().startswith(PREFIX) and name not in known:
            close = difflib.get_close_matches(name.upper(), known, n=1)
            advice = (
                f"did you mean {close[0]}?" if close else "the configuration reference lists the settings there are"
            )
            yield problem(name, "unknown", f"is no setting ({label}): {advice}")


def variable_of(field: str) -> str:
    """Return the environment variable of a field."""
    return PREFIX + field.upper()
