"""The example for nginx, run by a real one: files from disk, everything else from the program."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.web.conftest import Running

EXAMPLE = Path(__file__).parents[2] / "config/nginx.conf"


@pytest.fixture
def nginx(web: Running, tmp_path: Path) -> Iterator[str]:
    """The address of nginx with the example, in front of the program."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    site = EXAMPLE.read_text().replace("listen 80;", f"listen 127.0.0.1:{port};").replace("    listen [::]:80;\n", "")
    site = site.replace("/srv/publisher/var/public", str(web.public)).replace("127.0.0.1:8000", web.url.removeprefix("http://"))
    temporary = "".join(
        f"{name}_temp_path {tmp_path}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    types = "types { text/html html; application/xml xml; image/jpeg jpg; }"
    (tmp_path / "nginx.conf").write_text(
        f"daemon off; pid {tmp_path}/pid; error_log {tmp_path}/error.log;\nevents {{}}\n"
        f"http {{ access_log off; {temporary} {types}\n{site}\n}}\n"
    )
    command: list[str | Path] = ["nginx", "-c", tmp_path / "nginx.conf"]
    if Path("/proc/self").owner() == "root":  # its workers read what pytest keeps from others
        command += ["-g", "user root;"]
    with subprocess.Popen(command) as process:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
        process.terminate()


async def test_files_come_from_disk_and_the_rest_from_the_program(web: Running, nginx: str) -> None:
    """Media types of feeds, pages without their ending, and what only the program knows."""
    async with httpx.AsyncClient(base_url=nginx, trust_env=False) as client:
        for path, kind in (("/rss.xml", "application/rss+xml"), ("/atom.xml", "application/atom+xml"), ("/feed.json", "application/feed+json")):
            answer = await client.get(path)
            assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
            assert answer.headers["server"].startswith("nginx")
            assert answer.headers["cache-control"] == "public, max-age=300"
            assert "link" not in answer.headers
        assert "High water" in (await client.get("/articles/tide")).text
        assert "Sea" in (await client.get("/sections/sea/")).text
        assert "Harbour news" in (await client.get("/")).text
        assert (await client.get("/.publisher/mark.json")).status_code == 404
        assert "link" in (await client.get("/rss.xml", headers={"A-IM": "feed"})).headers
        assert (await client.get("/healthz")).text == "ok\n"
        assert "<form" in (await client.get("/subscribe")).text
        assert (await client.get("/feed?tags=a")).headers["content-type"] == "application/atom+xml"
        assert (await client.get("/articles/none")).status_code == 404
    assert web.url != nginx
