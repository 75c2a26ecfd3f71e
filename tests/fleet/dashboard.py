"""What the dashboard of docs/prometheus.md shows of a real fleet, as a real Prometheus answers its queries.

`python -m tests.fleet.dashboard` runs three processes over one Redis for three minutes, with some trouble, and writes
docs/pictures/fleet-dashboard.json and the picture. It needs redis-server and prometheus.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from aiohttp import ClientSession

from aio_token.stores import RedisTokenStore
from aio_token.testing import AuthorizationServer, ProtectedAPI
from tests.fleet.dashboard_picture import PICTURE, SERIES, drawn
from tests.support.daemon import free_port, listens
from tests.support.daemon import running as daemon
from tests.support.redis_server import running

if TYPE_CHECKING:
    from tests.support.redis_server import RedisServer

ROOT = Path(__file__).parents[2]
DASHBOARD = ROOT / "examples" / "prometheus" / "dashboard.json"
ALERTS = ROOT / "examples" / "prometheus" / "alerts.yml"
RATE_INTERVAL = "10s"
LIFETIME = 6.0
SECONDS = 180
_HOSTS = 3


class Fleet:
    """The processes, and what happens to them."""

    def __init__(self, store: RedisServer, server: AuthorizationServer, api: ProtectedAPI) -> None:
        self._store, self._server, self._api = store, server, api
        self.ports = [free_port() for _ in range(_HOSTS)]
        self._processes: list[asyncio.subprocess.Process] = []

    async def start(self, port: int) -> None:
        """Start one more process."""
        client = self._server.client
        orders = {
            "port": port,
            "store": self._store.url,
            "token_url": self._server.token_url,
            "api": self._api.url,
            "client_id": client.client_id,
            "secret": client.secret,
        }
        command = (sys.executable, "-m", "tests.fleet.measured_host", json.dumps(orders))
        self._processes.append(await asyncio.create_subprocess_exec(*command, cwd=ROOT))

    async def live(self) -> None:
        """Live three minutes, with the trouble that the page tells of."""
        began = time.monotonic()

        async def until(second: float) -> None:
            await asyncio.sleep(began + second - time.monotonic())

        for port in self.ports:
            await self.start(port)
        await until(40)
        async with self._server.offline():
            await until(60)
        await until(110)
        self._server.revoke_access_tokens()
        await until(125)
        self._processes[0].send_signal(signal.SIGKILL)
        await self._processes[0].wait()
        await self.start(self.ports[0])
        await until(140)
        with self._store.stopped():
            await until(144)
        await until(165)
        self._server.revoke_all()
        await until(SECONDS)

    async def end(self) -> None:
        """End the processes."""
        for process in self._processes:
            if process.returncode is None:
                process.kill()
            await process.wait()


def configuration(ports: list[int]) -> str:
    """Return what Prometheus is told; JSON is YAML."""
    targets = [f"127.0.0.1:{port}" for port in ports]
    return json.dumps(
        {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(ALERTS)],
            "scrape_configs": [{"job_name": "bot", "static_configs": [{"targets": targets}]}],
        }
    )


async def answers(prometheus: str, ends: float) -> dict[str, Any]:
    """Ask the dashboard's queries."""
    panels = []
    async with ClientSession() as session:
        for panel in json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]:
            lines = []
            for target in panel["targets"]:
                query = target["expr"].replace("$__rate_interval", RATE_INTERVAL).replace("$job", ".+")
                span = {"query": query, "start": ends - SECONDS, "end": ends, "step": 1}
                async with session.get(f"{prometheus}/api/v1/query_range", params=span) as response:
                    told = await response.json()
                for one in told["data"]["result"]:
                    legend = target["legendFormat"]
                    for name, value in one["metric"].items():
                        legend = legend.replace(f"{{{{{name}}}}}", value)
                    points = [
                        (round(moment - ends + SECONDS), float(f"{float(value):.3g}"))
                        for moment, value in one["values"]
                    ]
                    lines.append({"legend": legend, "points": [point for point in points if point[1] == point[1]]})
            shown = panel["fieldConfig"]["defaults"]
            is_log = "scaleDistribution" in shown["custom"]
            panels.append({"title": panel["title"], "unit": shown["unit"], "log": is_log, "lines": lines})
    return {"panels": panels, "seconds": SECONDS}


async def main() -> None:
    """Run it, ask, and draw."""
    with TemporaryDirectory() as folder:
        async with AsyncExitStack() as stack:
            (Path(folder) / "redis").mkdir()
            store = stack.enter_context(running(Path(folder) / "redis", "--appendonly", "yes"))
            server = await stack.enter_async_context(AuthorizationServer(lifetime=LIFETIME))
            api = await stack.enter_async_context(ProtectedAPI(server))
            async with RedisTokenStore(store.url, "bot").exclusive() as slot:
                await slot.save(server.credential())
            fleet = Fleet(store, server, api)
            stack.push_async_callback(fleet.end)
            told = Path(folder) / "prometheus.json"
            told.write_text(configuration(fleet.ports), encoding="utf-8")
            port = free_port()
            command = [
                "prometheus",
                f"--config.file={told}",
                f"--storage.tsdb.path={folder}/data",
                f"--web.listen-address=127.0.0.1:{port}",
            ]
            stack.enter_context(daemon(command, lambda: listens(port), Path(folder) / "log"))
            await fleet.live()
            series = await answers(f"http://127.0.0.1:{port}", time.time())
    SERIES.write_text(json.dumps(series) + "\n", encoding="utf-8")
    PICTURE.write_text(drawn(series), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(main())
