"""A whole Publisher in a folder of its own, driven from outside: by its commands, by HTTP, by SMTP."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

PROGRAM = Path(sys.executable).with_name("publisher")
SEEDS = Path(__file__).parents[2] / "seeds"
#: Seconds after which waiting for something that must happen is given up.
PATIENCE = 60.0

CONFIG = """
[site]
title = "The Test Courier"
url = "http://127.0.0.1:{port}"
timezone = "Europe/London"
postal_address = "1 Test Street, Testford"
[web]
port = {port}
[[source]]
path = "seeds"
poll = "500ms"
settle = "100ms"
[[newsletter]]
name = "daily"
title = "The Daily Test"
{more}
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Site:
    """One project folder and the service that runs in it."""

    root: Path
    port: int
    running: list[subprocess.Popen[str]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def configure(self, more: str = "") -> None:
        text = CONFIG.format(port=self.port, more=more)
        (self.root / "config/publisher.toml").write_text(text, encoding="utf-8")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [str(PROGRAM), *words], cwd=self.root, env=_environment(), capture_output=True, text=True, timeout=120,
            check=False,
        )

    def done(self, *words: str) -> str:
        result = self.command(*words)
        assert result.returncode == 0, result.stderr
        return result.stdout

    def json(self, *words: str) -> Any:
        return json.loads(self.done(*words, "--json"))

    def spawn(self, *words: str) -> subprocess.Popen[str]:
        output = (self.root / "out.txt").open("a", encoding="utf-8")
        process = subprocess.Popen(
            [str(PROGRAM), *words], cwd=self.root, env=_environment(), stdout=output, stderr=output, text=True
        )
        output.close()
        self.running.append(process)
        return process

    def start(self) -> subprocess.Popen[str]:
        process = self.spawn("run")
        self.wait(lambda: self._ready(process), "the service to be ready")
        return process

    def _ready(self, process: subprocess.Popen[str]) -> bool:
        assert process.poll() is None, self.output()
        try:
            return httpx.get(f"{self.url}/readyz").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, process: subprocess.Popen[str], how: int = signal.SIGTERM) -> tuple[int, float]:
        begun = time.monotonic()
        process.send_signal(how)
        return process.wait(timeout=30), time.monotonic() - begun

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if found := condition():
                return found
            time.sleep(0.05)
        raise AssertionError(f"waited in vain for {what}\n{self.output()}")

    def output(self) -> str:
        file = self.root / "out.txt"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path)


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PUBLISHER")}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A project folder with the sample articles; whatever was started in it is stopped at the end."""
    root = tmp_path / "project"
    (root / "config").mkdir(parents=True)
    shutil.copytree(SEEDS, root / "seeds")
    made = Site(root, free_port())
    made.configure()
    yield made
    for process in made.running:
        if process.poll() is None:
            process.kill()
            process.wait()
