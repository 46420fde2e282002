"""A headless Firefox driven over WebDriver BiDi, which it speaks by itself."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

PROGRAM = shutil.which("firefox-esr") or shutil.which("firefox")
# Sound without a click first; nothing is fetched from outside.
PREFERENCES = {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.normandy.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "services.settings.server": "data:,",
}


class Firefox:
    """One Firefox with one window; use it as a context manager."""

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._open = ExitStack()
        self._number = 0
        self.complaints: list[str] = []  # what it has written into its console as an error

    def __enter__(self) -> "Firefox":
        home = Path(self._home.name)
        lines = (f'user_pref("{name}", {json.dumps(value)});' for name, value in PREFERENCES.items())
        (home / "user.js").write_text("\n".join(lines), encoding="utf-8")
        command = [str(PROGRAM), "--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", str(home)]
        self._log = (home / "log").open("w+", encoding="utf-8")
        environment = os.environ | {"HOME": str(home), "MOZ_DISABLE_CONTENT_SANDBOX": "1"}
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log, env=environment)
        deadline = time.monotonic() + 60
        while not (found := re.search(r"listening on (ws://\S+)", (home / "log").read_text(encoding="utf-8"))):
            assert time.monotonic() < deadline and self._process.poll() is None, (home / "log").read_text()
            time.sleep(0.1)
        self._socket = self._open.enter_context(connect(found[1] + "/session", max_size=None))
        self.command("session.new", capabilities={})
        self.command("session.subscribe", events=["log.entryAdded"])
        self._context = self.command("browsingContext.getTree")["contexts"][0]["context"]
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        self._process.terminate()
        self._process.wait(20)
        self._log.close()
        self._home.cleanup()

    def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one command."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while (told := json.loads(self._socket.recv(60))).get("id") != self._number:
            if told.get("method") == "log.entryAdded" and told["params"]["level"] == "error":
                self.complaints.append(str(told["params"]["text"]))
        assert told["type"] == "success", told
        return told["result"]

    def open(self, address: str) -> None:
        """Load a page."""
        self.command("browsingContext.navigate", context=self._context, url=address, wait="complete")

    def run(self, expression: str) -> Any:
        """The value of an expression, by way of JSON."""
        told = self.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression}) ?? null))()",
            target={"context": self._context},
            awaitPromise=True,
        )
        assert told["type"] == "success", told["exceptionDetails"]["text"]
        return json.loads(told["result"]["value"])

    def wait_for(self, condition: str, seconds: float = 30) -> Any:
        """The condition's value once it is true."""
        deadline = time.monotonic() + seconds
        while not (value := self.run(condition)):
            assert time.monotonic() < deadline, f"{condition} did not become true"
            time.sleep(0.05)
        return value
