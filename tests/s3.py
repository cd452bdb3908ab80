"""A private S3 service for the tests: SeaweedFS on free ports, with one identity and one bucket."""

import json
import secrets
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.processes import HOST, free_port, start, stop, wait_until

SERVERS = ("master", "volume", "filer", "s3", "admin")


@dataclass(frozen=True)
class S3Server:
    """A running service: its endpoint and the keys of its one identity."""

    endpoint: str
    access_key_id: str
    secret_access_key: str

    @property
    def settings(self) -> dict[str, Any]:
        """What Settings take to reach it."""
        return {
            "s3_endpoint": self.endpoint,
            "s3_access_key_id": self.access_key_id,
            "s3_secret_access_key": self.secret_access_key,
        }

    def is_ready(self) -> bool:
        """Return whether it stores an object, which is a moment after it opens its port."""
        from obstore import put
        from obstore.exceptions import BaseError

        try:
            put(self.bucket("test"), "probe", b"")
        except (BaseError, OSError):
            return False
        return True

    def bucket(self, name: str) -> Any:  # noqa: ANN401 -- the library is loaded late
        """Return a bucket as the library opens it."""
        from obstore.store import S3Store

        return S3Store(
            name,
            endpoint=self.endpoint,
            region="us-east-1",
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
            client_options={"allow_http": True},
            retry_config={"max_retries": 0},
        )


@contextmanager
def s3_server() -> Iterator[S3Server]:
    """Run a service in a new folder while the block runs."""
    program = Path(sys.executable).parent / "weed"
    folder = Path(tempfile.mkdtemp(prefix="growbase-s3-"))
    key, secret = "growbase", secrets.token_hex(16)
    identity = {"name": "growbase", "credentials": [{"accessKey": key, "secretKey": secret}], "actions": ["Admin"]}
    temporary, config = folder / "tmp", folder / "s3.json"
    temporary.mkdir()
    config.write_text(json.dumps({"identities": [identity]}))
    ports = {name: free_port() for name in SERVERS}
    command = [
        str(program),
        "mini",
        f"-dir={folder}",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        f"-s3.config={config}",
        "-bucket=test,second",
    ]
    for name, port in ports.items():
        command += [f"-{name}.port={port}", f"-{name}.port.grpc={free_port()}"]
    command += [f"-webdav.port={free_port()}", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false"]
    command += [f"-{name}.localSocket={folder / name}.sock" for name in ("filer", "s3")]
    try:
        with (folder / "log").open("wb") as output:
            # It leaves files in the folder for temporary ones.
            env = {"TMPDIR": str(temporary)}
            process = start(command, env=env, cwd=folder, output=output, start_new_session=True)
        try:
            server = S3Server(f"http://{HOST}:{ports['s3']}", key, secret)
            wait_until(server.is_ready, "the S3 service", process)
            yield server
        finally:
            stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
