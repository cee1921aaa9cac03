"""A real Label Studio on loopback, for the tests that import into it. `make label-studio` installs it beside the project."""

from __future__ import annotations

import contextlib
import http.cookiejar
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.missing import missing

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
_USER = {"email": "annotator@example.com", "password": "a-password-of-a-test"}
_STARTUP = 300.0  # seconds; it makes its database first
_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class LabelStudio:
    """A session of an annotator.

    Args:
        url: of the server.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))

    def login(self) -> None:
        """Log in as the user that the server was started with."""
        path = "/user/login/"
        found = _TOKEN.search(self._open(path).decode())
        assert found is not None
        form = {**_USER, "csrfmiddlewaretoken": found[1]}
        self._open(path, urllib.parse.urlencode(form).encode(), "application/x-www-form-urlencoded")

    def api(self, path: str, data: Any = None) -> Any:
        """GET, or POST where there is *data*; return the answer's JSON."""
        body = None if data is None else json.dumps(data).encode()
        return json.loads(self._open(f"/api/{path}", body, "application/json"))

    def _open(self, path: str, body: bytes | None = None, content_type: str = "") -> bytes:
        token = next((cookie.value for cookie in self._cookies if cookie.name == "csrftoken"), None)
        headers = {"Referer": self._url, "Content-Type": content_type, "X-CSRFToken": token or ""}
        request = urllib.request.Request(self._url + path, body, headers if body is not None else {})
        try:
            with self._opener.open(request, timeout=60) as answer:
                return answer.read()
        except urllib.error.HTTPError as exc:
            raise AssertionError(f"{path}: {exc.code} {exc.read()[:2000].decode(errors='replace')}") from exc


def program() -> str:
    """Path of the server's program; ends the test where there is none."""
    installed = sorted((ROOT / ".tools").glob("label-studio-*/bin/label-studio"))
    found = str(installed[-1]) if installed else shutil.which("label-studio")
    return found or missing("no Label Studio: make label-studio")


@contextlib.contextmanager
def label_studio() -> Iterator[LabelStudio]:
    """A server of our own with one user, for as long as the block lasts; it talks to nobody else."""
    path = program()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="gristmill-ls-", ignore_cleanup_errors=True) as folder:
        environment = {
            **os.environ, "LABEL_STUDIO_BASE_DATA_DIR": folder, "LATEST_VERSION_CHECK": "false",
            "COLLECT_ANALYTICS": "false", "SENTRY_DSN": "", "FRONTEND_SENTRY_DSN": "", "LOG_LEVEL": "WARNING",
        }  # fmt: skip
        command = [path, "start", "--no-browser", "--internal-host", "127.0.0.1", "--port", str(port)]
        command += ["--username", _USER["email"], "--password", _USER["password"]]
        log = Path(folder) / "server.log"
        with log.open("wb") as written:
            process = subprocess.Popen(command, env=environment, stdout=written, stderr=subprocess.STDOUT, cwd=folder)
        try:
            server = LabelStudio(f"http://127.0.0.1:{port}")
            _wait(server, process, log)
            server.login()
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


def _wait(server: LabelStudio, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + _STARTUP
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            server._open("/health")
            return
        assert process.poll() is None, log.read_text(errors="replace")[-3000:]
        time.sleep(0.5)
    raise AssertionError(f"no answer in {_STARTUP} s: {log.read_text(errors='replace')[-3000:]}")
