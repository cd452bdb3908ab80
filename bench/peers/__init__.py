"""Other backends, set up as their authors advise and given the same data."""

import subprocess
import sys
from pathlib import Path


def install(package: str, cache: Path) -> Path:
    """Install a package from the index into a folder of its own unless that is done, and return the folder."""
    folder = cache / package
    if not folder.exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
        subprocess.run([*pip, "--root-user-action", "ignore", "--target", folder, package], check=True)
    return folder
