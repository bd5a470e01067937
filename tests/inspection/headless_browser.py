"""Chromium without a window, through the HTTP interface of ChromeDriver (W3C WebDriver)."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

IS_INSTALLED = bool(shutil.which("chromium") and shutil.which("chromedriver"))
TAB, ENTER, SPACE, DOWN = "\ue004", "\ue007", " ", "\ue015"
# The name under which the standard returns elements.
_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
_OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


class Browser:
    """One window; a context manager that ends what it started."""

    def __enter__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self._driver = subprocess.Popen(
            [shutil.which("chromedriver"), f"--port={port}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._url = f"http://127.0.0.1:{port}"
        self._wait(lambda: self._ask("GET", "/status")["ready"], "ChromeDriver did not start")
        options = {
            "binary": shutil.which("chromium"),
            "args": [*_OPTIONS, f"--user-data-dir={self._profile.name}"],
        }
        wanted = {
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        session = self._ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self._url += f"/session/{session['sessionId']}"
        return self

    def __exit__(self, *error):
        try:
            self._ask("DELETE", "")
        finally:
            self._driver.terminate()
            self._driver.wait()
            self._profile.cleanup()

    def open(self, path, *, width=1280, height=900):
        self.command(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        self.log("browser"), self.log("performance")  # what earlier pages left
        self._ask("POST", "/url", {"url": path.resolve().as_uri()})

    def run(self, script, *arguments):
        """Run JavaScript; `return` gives its answer."""
        return self._ask("POST", "/execute/sync", {"script": script, "args": arguments})

    def texts(self, selector):
        script = "return Array.from(document.querySelectorAll(arguments[0]), e => e.textContent)"
        return self.run(script, selector)

    def text(self, selector):
        (text,) = self.texts(selector)
        return text

    def click(self, selector):
        self._ask("POST", f"/element/{self._find(selector)}/click")

    def type(self, selector, keys):
        self._ask("POST", f"/element/{self._find(selector)}/value", {"text": keys})

    def press(self, keys):
        """Press keys, whatever has the focus."""
        presses = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        keyboard = {"type": "key", "id": "keyboard", "actions": presses}
        self._ask("POST", "/actions", {"actions": [keyboard]})

    def choose(self, selector, text):
        script = """
            const option = [...arguments[0].options].find(o => o.textContent === arguments[1]);
            arguments[0].value = option.value;
            arguments[0].dispatchEvent(new Event("change", { bubbles: true }));
        """
        self.run(script, {_ELEMENT: self._find(selector)}, text)

    def wait_for(self, script):
        self._wait(lambda: self.run(script), f"It never came to: {script}")

    def command(self, name, **parameters):
        """A command of Chromium's own protocol."""
        return self._ask("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})

    def log(self, kind):
        return self._ask("POST", "/se/log", {"type": kind})

    def _find(self, selector):
        found = self._ask("POST", "/element", {"using": "css selector", "value": selector})
        return found[_ELEMENT]

    def _ask(self, method, path, body=None):
        content = json.dumps(body or {}).encode() if method == "POST" else None
        request = Request(self._url + path, data=content, method=method)
        try:
            with urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except HTTPError as error:
            raise RuntimeError(error.read().decode()[:500]) from error

    def _wait(self, condition, failure, seconds=30):
        deadline = time.monotonic() + seconds
        while True:
            try:
                if condition():
                    return
            except OSError:  # not listening yet
                pass
            if time.monotonic() > deadline:
                raise TimeoutError(failure)
            time.sleep(0.02)
