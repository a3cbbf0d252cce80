"""The server stays small: no library of models, figures or tables is in its process."""

import subprocess
import sys
from pathlib import Path

HEAVY = ("matplotlib", "scipy", "pandas", "sklearn", "ray", "xgboost", "optuna", "pyarrow")
SCRIPT = """
import asyncio, sys
from pathlib import Path
import tuner_job.cli.main, tuner_job.web.server
from tuner_job.web.app import application
from tuner_job.web.place import places

app = application(places([sys.argv[1]]), Path(sys.argv[2]), None)


async def get(path):
    sent = []
    scope = {"type": "http", "method": "GET", "path": path, "raw_path": path.encode(),
             "query_string": b"", "headers": [(b"host", b"localhost")], "scheme": "http",
             "server": ("localhost", 80), "root_path": "", "http_version": "1.1"}

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 200, (path, sent)


async def main():
    for path in ("/", "/experiments/finished", "/experiments/finished/log", "/metrics",
                 "/api/experiments"):
        await get(path)
    app.state.site.close()


asyncio.run(main())
print(*(name for name in sys.argv[3:] if name in sys.modules))
status = Path("/proc/self/status")
print(status.read_text().partition("VmHWM:")[2].split()[0] if status.exists() else 0)
"""


def test_the_server_loads_no_library_of_models(results: Path, tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(results), str(tmp_path / "drawn"), *HEAVY],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    loaded, most = found.stdout.split("\n")[:2]
    assert loaded == ""
    assert int(most) < 120 * 1024  # KiB; 0 where nothing tells
