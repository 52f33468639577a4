"""A headless Chromium driven over a pipe: opens pages, clicks, and listens."""

import base64
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync "
    "--remote-debugging-pipe --window-size=1200,800"
).split()


def find_chromium():
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Page:
    """One page: what it asked for, what it complained about, and a mouse."""

    def __init__(self, executable, profile, timeout=60.0):
        self.deadline = time.monotonic() + timeout
        self.events, self.count, self.buffer, self.session = [], 0, b"", None
        low_read, self.to_browser = os.pipe()
        self.from_browser, low_write = os.pipe()
        # Chromium wants 3 and 4, which may be taken by the pipes themselves here.
        read, write = (
            fcntl.fcntl(fd, fcntl.F_DUPFD, 10) for fd in (low_read, low_write)
        )
        command = f'exec "$0" "$@" 3<&{read} 4>&{write} {read}<&- {write}>&-'
        self.process = subprocess.Popen(
            ["bash", "-c", command, executable, *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(read, write),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for end in (low_read, low_write, read, write):
            os.close(end)
        target = self.send("Target.createTarget", url="about:blank")["targetId"]
        attached = self.send("Target.attachToTarget", targetId=target, flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.send(f"{domain}.enable")

    def send(self, method, **params):
        self.count += 1
        message = {"id": self.count, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while (answer := self.receive()).get("id") != self.count:
            self.events.append(answer)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def receive(self):
        while b"\0" not in self.buffer:
            left = self.deadline - time.monotonic()
            ready, *_ = select.select([self.from_browser], [], [], max(left, 0))
            assert ready, "Chromium did not answer in time"
            chunk = os.read(self.from_browser, 1 << 20)
            assert chunk, f"Chromium left, exit status {self.process.poll()}"
            self.buffer += chunk
        line, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(line)

    def open(self, path):
        self.send("Page.navigate", url=path.resolve().as_uri())
        while not any(
            event["method"] == "Page.loadEventFired" for event in self.events
        ):
            self.events.append(self.receive())

    def evaluate(self, expression):
        answer = self.send(
            "Runtime.evaluate",
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def click(self, x, y):
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.send(
                "Input.dispatchMouseEvent",
                type=kind,
                x=x,
                y=y,
                button="left",
                clickCount=1,
            )

    def screenshot(self, path):
        path.write_bytes(base64.b64decode(self.send("Page.captureScreenshot")["data"]))

    def complaints(self):
        """Errors and warnings of the console, uncaught ones too."""
        found = []
        for event in self.events:
            kind, params = event["method"], event["params"]
            if kind == "Runtime.exceptionThrown":
                found.append(params["exceptionDetails"])
            if kind == "Runtime.consoleAPICalled" and params["type"] != "log":
                found.append(params)
            if kind == "Log.entryAdded" and params["entry"]["level"] != "verbose":
                found.append(params["entry"])
        return found

    def requests(self):
        """Addresses asked for, other than the page itself and data in it."""
        sent = [e for e in self.events if e["method"] == "Network.requestWillBeSent"]
        urls = [event["params"]["request"]["url"] for event in sent]
        return [url for url in urls if not url.startswith(("file:", "data:", "about:"))]

    def close(self):
        os.close(self.to_browser)
        self.process.terminate()
        self.process.wait(20)
        os.close(self.from_browser)
