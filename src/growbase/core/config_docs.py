"""The settings as people read them: ``.env.example`` and the tables of the documentation."""

from typing import Final

from growbase.core.config import Settings, shown
from growbase.core.config_sources import variable_of

_GROUPS: Final = {
    "environment": "Server",
    "data_dir": "Database",
    "admin_email": "First start",
    "secret_key": "Keys and logins",
    "assets_url": "Files",
    "smtp_url": "Mail",
    "ai_base_url": "Language model",
    "stripe_webhook_secret": "Providers",
    "region": "Regions",
    "log_level": "Logs and retention",
}


def env_example(settings_class: type[Settings] = Settings) -> str:
    """Return the text of ``.env.example``: each setting with its help and default, commented out."""
    lines = ["# Settings of Growbase. Copy to .env and uncomment what differs from the default."]
    for field, information in settings_class.model_fields.items():
        if field in _GROUPS:
            lines += ["", f"# {_GROUPS[field]}"]
        lines += ["", f"# {information.description}", f"# {variable_of(field)}={shown(information.default)}"]
    return "\n".join(lines) + "\n"


def settings_table(settings_class: type[Settings] = Settings) -> str:
    """Return the settings as Markdown tables, one for each group."""
    lines: list[str] = []
    for field, information in settings_class.model_fields.items():
        if field in _GROUPS:
            lines += ["", f"### {_GROUPS[field]}", "", "| setting | default | meaning |", "|---|---|---|"]
        default = shown(information.default)
        meaning = (information.description or "").replace("|", "\\|")
        lines.append(f"| `{variable_of(field)}` | {f'`{default}`' if default else ''} | {meaning} |")
    return "\n".join(lines[1:]) + "\n"
