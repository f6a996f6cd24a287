"""The test rig: real PostgreSQL and Valkey for every test that asks for them.

- Engines start once per run: in the controller when tests run in parallel, else when the first test needs them.
- `database_url`, `redis_url`: this worker's own database (cloned from a migrated template) and Valkey number.
  They also stand in the environment, so code under test and its subprocesses find them by the usual settings.
- `db_clean`: ask for it in tests that commit; it empties database and Valkey *before* the test.
- No test can reach the outside: connections and look-ups beyond loopback raise.

More fixtures live in `tests/fixtures*.py`, which are loaded by name.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from tests import rig
from webapp.settings import get_settings
from webapp.stack.home import Addresses

pytest_plugins = [f"tests.{path.stem}" for path in sorted(Path(__file__).parent.glob("fixtures*.py"))]


class NoOutside(OSError):
    """A test tried to leave the machine. An OSError, so that the standard library closes what it had opened."""


_running = contextlib.ExitStack()
_addresses: Addresses | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Forget the settings of whoever runs us, keep files out of ./var, close the door to the outside."""
    for name in [name for name in os.environ if name.startswith("POSTBRIDGE_")]:
        del os.environ[name]
    for name in ("DATABASE_URL", "REDIS_URL"):
        os.environ.pop(name, None)
    var = _running.enter_context(tempfile.TemporaryDirectory(prefix="postbridge-var-", ignore_cleanup_errors=True))
    os.environ["POSTBRIDGE_VAR_DIR"] = var
    sys.addaudithook(_refuse_outside)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In the controller of a parallel run: hand the engines' addresses to a worker."""
    node.workerinput["postbridge_addresses"] = vars(_start_engines())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """In the controller of a parallel run (`--dist loadgroup`, as `./run test` asks): who runs what."""
    if config.getoption("dist") != "loadgroup":
        return None
    from tests.scheduling import Together

    return Together(config, log)


def pytest_unconfigure() -> None:
    """Stop what this process started."""
    _running.close()


def _start_engines() -> Addresses:
    global _addresses
    if _addresses is None:
        _addresses = _running.enter_context(rig.engines())
    return _addresses


def _refuse_outside(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto"):
        address = arguments[1]
        if isinstance(address, tuple) and not _is_local(address[0]):
            raise NoOutside(f"a test tried to reach {address[0]}: only loopback is allowed")
    elif event == "socket.getaddrinfo" and not (_is_local(arguments[0]) or _is_number(arguments[0])):
        raise NoOutside(f"a test tried to look up {arguments[0]}: use a DNS server on loopback")


def _is_local(host: str | bytes | None) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if not name or name in ("localhost", socket.gethostname()):
        return True
    if not _is_number(name):
        return name.endswith(".localhost")
    address = ipaddress.ip_address(name)
    return address.is_loopback or address.is_unspecified


def _is_number(host: str | bytes) -> bool:
    try:
        ipaddress.ip_address(host.decode() if isinstance(host, bytes) else host)
    except ValueError:
        return False
    return True


@pytest.fixture(scope="session")
def addresses(request: pytest.FixtureRequest) -> Addresses:
    """The running engines, with the superuser's address too (for tests that make databases of their own)."""
    given = getattr(request.config, "workerinput", {}).get("postbridge_addresses")
    return Addresses(**given) if given else _start_engines()


@pytest.fixture(scope="session")
def worker_name(request: pytest.FixtureRequest) -> str:
    """`gw0`, `gw1`...; `gw0` too when tests do not run in parallel."""
    return str(getattr(request.config, "workerinput", {}).get("workerid", "gw0"))


@pytest.fixture(scope="session")
def database_url(addresses: Addresses, redis_url: str, worker_name: str) -> str:
    """This worker's migrated database, as the application's role."""
    url = rig.clone(addresses, f"test_{worker_name}")
    os.environ["DATABASE_URL"] = url
    get_settings.cache_clear()
    return url


@pytest.fixture(scope="session")
def redis_url(addresses: Addresses, worker_name: str) -> str:
    """This worker's numbered Valkey database."""
    number = int(worker_name.removeprefix("gw")) + 1
    os.environ["REDIS_URL"] = addresses.redis_url.replace("db=0", f"db={number}")
    get_settings.cache_clear()
    return os.environ["REDIS_URL"]


@pytest.fixture(scope="session")
def redis_client(redis_url: str) -> Iterator[redis.Redis]:
    """A client of this worker's Valkey database."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


@pytest.fixture(scope="session")
def engine(database_url: str) -> Iterator[sa.Engine]:
    """The SQLAlchemy engine the application itself uses in this process."""
    from webapp.kernel import db

    db.engine.cache_clear()
    made = db.engine()
    yield made
    made.dispose()


@pytest.fixture(scope="session")
def wiper(addresses: Addresses, database_url: str, worker_name: str) -> Iterator[rig.Wiper]:
    wiper = rig.Wiper(addresses, f"test_{worker_name}")
    yield wiper
    wiper.close()


@pytest.fixture
def db_clean(wiper: rig.Wiper, engine: sa.Engine, redis_client: redis.Redis) -> sa.Engine:
    """Database and Valkey as the migrations left them, for tests with real commits; gives the engine."""
    wiper.wipe()
    redis_client.flushdb()
    return engine


@pytest.fixture
def free_port() -> Callable[[], int]:
    """A function giving a loopback TCP port that nobody listens on; each call another one."""
    given: set[int] = set()

    def find() -> int:
        while True:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                port = int(probe.getsockname()[1])
            if port not in given:
                given.add(port)
                return port

    return find
