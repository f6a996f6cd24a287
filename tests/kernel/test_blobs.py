"""Where large attachments lie: both stores answer alike.

The S3 store is tried against the server at S3_TEST_URL (http://host:port, with a bucket "postbridge-test" and the keys in AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY), else against moto's own server when it is installed (`pip install "moto[s3]" flask-cors`: 80 MB, so the lock file leaves it out).
"""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from webapp.kernel import blobs
from webapp.kernel.blobs import Folder, Store, make_store
from webapp.kernel.errors import Unavailable
from webapp.settings import SettingError, get_settings

BUCKET = "postbridge-test"
DAY, NEXT = "20260101", "20260102"


@pytest.fixture(scope="session")
def s3_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if url := os.environ.get("S3_TEST_URL"):
        yield url
        return
    if importlib.util.find_spec("moto") is None:
        pytest.skip('no S3 server: set S3_TEST_URL, or pip install "moto[s3]" flask-cors')
    port = 20000 + os.getpid() % 10000
    log = (tmp_path_factory.mktemp("s3") / "log").open("wb")
    server = subprocess.Popen([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        _make_bucket(url)
        yield url
    finally:
        server.terminate()
        server.wait(20)
        log.close()


def _make_bucket(url: str) -> None:
    for _ in range(200):
        try:
            urllib.request.urlopen(urllib.request.Request(f"{url}/{BUCKET}", method="PUT"), timeout=5).close()
            return
        except urllib.error.HTTPError:
            raise
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the S3 server does not answer")


def bucket(url: str, prefix: str) -> Store:
    keys = {"s3_access_key": os.environ.get("AWS_ACCESS_KEY_ID", "test"), "s3_secret_key": os.environ.get("AWS_SECRET_ACCESS_KEY", "test")}
    return make_store(dataclasses.replace(get_settings(), blob_store=f"s3://{BUCKET}/{prefix}", s3_endpoint=url, **keys))


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    if request.param == "folder":
        return Folder(tmp_path / "blobs")
    return bucket(request.getfixturevalue("s3_url"), f"t{time.time_ns()}/large")


def test_what_is_put_can_be_read_until_it_is_removed(store: Store) -> None:
    data = os.urandom(6 * 1024 * 1024)  # more than one part of a multipart upload
    store.put(f"{DAY}/a", data)
    store.put(f"{DAY}/a", data)
    store.put(f"{DAY}/b", b"")
    store.put(f"{NEXT}/a", b"other")
    assert store.get(f"{DAY}/a") == data and store.get(f"{DAY}/b") == b""
    assert store.days() == [DAY, NEXT]
    assert sorted(store.names(DAY)) == [f"{DAY}/a", f"{DAY}/b"]
    store.remove([f"{DAY}/a", f"{DAY}/b", f"{DAY}/never"])
    assert store.days() == [NEXT]
    with pytest.raises(FileNotFoundError):
        store.get(f"{DAY}/a")
    assert store.get(f"{NEXT}/a") == b"other"


def test_an_empty_store_has_no_days(store: Store) -> None:
    assert store.days() == []


def test_more_than_one_page_of_names(store: Store) -> None:
    names = {f"{DAY}/{number:04}" for number in range(1100)}
    for name in names:
        store.put(name, b"x")
    assert set(store.names(DAY)) == names
    store.remove(sorted(names))
    assert store.days() == []


def test_a_bucket_that_is_away_is_an_os_error(free_port: Callable[[], int], monkeypatch: pytest.MonkeyPatch) -> None:
    away = bucket(f"http://127.0.0.1:{free_port()}", "x")
    for act in (lambda: away.put(f"{DAY}/a", b"x"), lambda: away.get(f"{DAY}/a"), away.days, lambda: list(away.names(DAY))):
        with pytest.raises(OSError, match=r"\S") as caught:
            act()
        assert not isinstance(caught.value, FileNotFoundError) and "\n" not in str(caught.value)
    monkeypatch.setattr(blobs, "store", lambda: away)
    with pytest.raises(Unavailable):
        blobs.put(b"x", "tenant")


@pytest.mark.parametrize("address", ["s3://", "s3://x", "https://bucket", "s3://UPPER", "/some/folder"])
def test_an_address_without_a_bucket_is_refused(address: str) -> None:
    with pytest.raises(SettingError, match="POSTBRIDGE_BLOB_STORE"):
        make_store(dataclasses.replace(get_settings(), blob_store=address))


def test_names_tell_tenants_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Folder(tmp_path)
    monkeypatch.setattr(blobs, "store", lambda: folder)
    one, again, two = blobs.put(b"x", "one"), blobs.put(b"x", "one"), blobs.put(b"x", "two")
    assert one == again != two


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    folder = Folder(tmp_path)
    monkeypatch.setattr("webapp.kernel.blobs.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        folder.put(f"{DAY}/a", b"x")
    assert list(folder.names(DAY)) == []
