"""`convserve batch` from and to an object store: the S3 server of moto, over HTTP."""

import itertools
import logging
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from app.archive.items import Item, ItemOutcome
from app.archive.job import Job
from app.archive.processes import run_locally
from app.archive.run import run_batch
from app.archive.signals import StopSignal
from app.archive.storage import StorageError
from tests.app.archive.test_archive import assert_embossed, make_job, run_in_process, run_job
from tests.support.images import draw_noise, encode

IMAGES = 6
NUMBERS = itertools.count()


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    """A client of an empty S3 server. The environment variables are set for other clients, too."""
    logging.getLogger("werkzeug").setLevel("ERROR")
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        environment.setenv("AWS_ACCESS_KEY_ID", "key")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        environment.setenv("AWS_DEFAULT_REGION", "us-east-1")
        client = boto3.client("s3")
        yield client
        client.close()
    server.stop()


@pytest.fixture
def images(s3: Any) -> str:
    """A bucket of images, one of them damaged, and a bucket for results `<name>-out`."""
    name = f"archive-{next(NUMBERS)}"
    for bucket in (name, f"{name}-out"):
        s3.create_bucket(Bucket=bucket)
    for seed in range(IMAGES):
        s3.put_object(Bucket=name, Key=f"scans/{seed:04}.png", Body=encode(draw_noise(9, 11, seed=seed)))
    s3.put_object(Bucket=name, Key="scans/bad.png", Body=b"\x89PNG\r\n\x1a\ncut")
    return name


def read(s3: Any, bucket: str, key: str) -> bytes:
    return bytes(s3.get_object(Bucket=bucket, Key=key)["Body"].read())


def empty(s3: Any, bucket: str) -> None:
    for one in s3.list_objects_v2(Bucket=bucket).get("Contents", []):
        s3.delete_object(Bucket=bucket, Key=one["Key"])
    s3.delete_bucket(Bucket=bucket)


@pytest.mark.slow
def test_a_bucket_is_filtered_into_another_and_a_second_run_skips_it(s3: Any, images: str) -> None:
    job = make_job(f"s3://{images}/scans", f"s3://{images}-out/embossed")
    first = run_batch(job, partial(run_locally, processes=1), StopSignal())
    assert (first.done, first.skipped, first.failed) == (IMAGES, 0, 1)
    assert_embossed(read(s3, f"{images}-out", "embossed/0003.png"), 3)
    assert b"bad.png" in read(s3, f"{images}-out", "embossed/failures.csv")
    s3.put_object(Bucket=images, Key="scans/0003.png", Body=encode(draw_noise(9, 11, seed=30)))
    again = run_job(job)
    assert (again.done, again.skipped, again.failed) == (1, IMAGES - 1, 1)
    assert_embossed(read(s3, f"{images}-out", "embossed/0003.png"), 30)


def test_a_pattern_selects_objects(s3: Any, images: str, tmp_path: Path) -> None:
    summary = run_job(make_job(f"s3://{images}/scans/000[12].png", tmp_path / "out"))
    assert summary.done == 2
    assert_embossed((tmp_path / "out/0002.png").read_bytes(), 2)


@pytest.mark.parametrize("lost", ["", "-out"])
def test_a_bucket_that_disappears_stops_the_run_and_a_second_run_continues(s3: Any, images: str, lost: str) -> None:
    def remove_bucket(job: Job, fingerprint: str, chunks: Iterable[list[Item]]) -> Iterator[ItemOutcome]:
        for number, outcome in enumerate(run_in_process(job, fingerprint, chunks)):
            yield outcome
            if number == 1:
                empty(s3, images + lost)

    job = make_job(f"s3://{images}/scans", f"s3://{images}-out/embossed")
    with pytest.raises(StorageError, match=f"s3://{images}{lost}"):
        run_batch(job, remove_bucket, StopSignal())
    s3.create_bucket(Bucket=images + lost)
    for seed in range(IMAGES):
        s3.put_object(Bucket=images, Key=f"scans/{seed:04}.png", Body=encode(draw_noise(9, 11, seed=seed)))
    assert run_job(job).failed <= 1
    assert_embossed(read(s3, f"{images}-out", f"embossed/{IMAGES - 1:04}.png"), IMAGES - 1)
