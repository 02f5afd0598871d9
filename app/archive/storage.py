"""Where images come from and results go to: a folder on any file system that fsspec knows."""

import errno
import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fsspec
from fsspec.core import has_magic, url_to_fs
from fsspec.implementations.local import LocalFileSystem

OBJECT_STORES = {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "adl", "oss", "memory"}
"""An object appears there whole or not at all; elsewhere a result is written under another name and renamed."""

PARTIAL = re.compile(r"\..*\.[0-9a-f]{8}\.convserve-part")
STAMPS = ("size", "mtime", "ETag", "etag", "LastModified", "last_modified", "content_md5", "md5Hash", "created")
"""What file systems tell of a file that changes with its content."""

ABOUT_ONE_FILE = {errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EINVAL, errno.EILSEQ}


class StorageError(ValueError):
    """A place that cannot be reached, listed or written to: nothing there can be done."""


class FileNameError(ValueError):
    """One name that a place does not take; others it may."""


@dataclass(frozen=True)
class StorageFolder:
    """A folder, or what a pattern matches below one. Picklable, so that worker processes can have it."""

    url: str
    root: str
    fs: Any
    pattern: str | None = None

    def path(self, name: str) -> str:
        return f"{self.root.rstrip('/')}/{name}" if self.root else name

    @property
    def is_local(self) -> bool:
        return isinstance(self.fs, LocalFileSystem)

    def walk(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """(folder, [(name, stamp)]) with names below the root, one folder after the other: memory holds one.

        Raises StorageError. What is hidden and what is linked to from elsewhere is passed over.
        """
        if self.pattern is not None:
            with self.telling("searched"):
                found = self.fs.glob(self.pattern, detail=True)
            folders: dict[str, list[tuple[str, str]]] = {}
            for path, info in sorted(found.items()):
                if info["type"] == "file":
                    name = self.name(path)
                    folders.setdefault(name.rpartition("/")[0], []).append((name, stamp(info)))
            yield from folders.items()
            return
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            infos = sorted(self.list(folder), key=lambda info: str(info["name"]))
            entries = [(self.name(info["name"]), info) for info in infos]
            entries = [(name, info) for name, info in entries if not name.rsplit("/", 1)[-1].startswith(".")]
            yield folder, [(name, stamp(info)) for name, info in entries if info["type"] == "file"]
            waiting += reversed(
                [name for name, info in entries if info["type"] == "directory" and not info.get("islink")]
            )

    def list(self, folder: str) -> list[dict[str, Any]]:
        path = self.path(folder) if folder else self.root
        with self.telling("listed"):
            infos = self.fs.ls(path, detail=True)
        return [info for info in infos if info["name"].rstrip("/") != path.rstrip("/")]

    def name(self, path: str) -> str:
        return path.rstrip("/").removeprefix(self.root).lstrip("/")

    def sizes(self, folder: str) -> dict[str, int]:
        """Bytes of every file in a folder, which need not exist. What a killed run left half-written is removed."""
        try:
            infos = self.fs.ls(self.path(folder) if folder else self.root, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except Exception as error:
            raise StorageError(f"{self.url} cannot be listed: {describe(error)}") from error
        for info in infos:
            if PARTIAL.fullmatch(info["name"].rsplit("/", 1)[-1]):
                with suppress(OSError):
                    self.fs.rm_file(info["name"])
        return {self.name(info["name"]): info["size"] or 0 for info in infos if info["type"] == "file"}

    def read(self, name: str) -> bytes:
        """Raises what the file system raises; `check` tells whether the place as a whole is gone."""
        return bytes(self.fs.cat_file(self.path(name)))

    def check(self) -> None:
        """Raise StorageError where the folder is there no more."""
        with self.telling("reached"):
            self.fs.ls(self.root, detail=False)

    def write(self, name: str, data: bytes) -> None:
        """All of it or nothing. Raises StorageError (a full disk, a lost bucket) or FileNameError."""
        with self.replacing(name) as path:
            self.fs.pipe_file(path, data)

    def upload(self, file: Path, name: str) -> None:
        with self.replacing(name) as path:
            self.fs.put_file(str(file), path)

    @contextmanager
    def replacing(self, name: str) -> Iterator[str]:
        """A path to write to; what is there at the end takes the name at once."""
        path = self.path(name)
        partial = path
        try:
            if not OBJECT_STORES & set(list_protocols(self.fs)):
                parent, _, base = path.rpartition("/")
                self.fs.makedirs(parent, exist_ok=True)
                partial = f"{parent}/.{base}.{uuid.uuid4().hex[:8]}.convserve-part"
            yield partial
            if partial != path:
                if self.is_local:
                    os.replace(partial, path)
                else:
                    self.fs.mv(partial, path)
        except BaseException as error:
            if partial != path:
                with suppress(Exception):
                    self.fs.rm_file(partial)
            if isinstance(error, OSError) and error.errno in ABOUT_ONE_FILE:
                raise FileNameError(f"{name} cannot be written: {error.strerror}.") from error
            if isinstance(error, Exception):
                raise StorageError(f"{self.url} cannot be written to: {describe(error)}") from error
            raise

    @contextmanager
    def telling(self, done: str) -> Iterator[None]:
        """File systems raise errors of many kinds; all of them mean that the place cannot be used."""
        try:
            yield
        except Exception as error:
            raise StorageError(f"{self.url} cannot be {done}: {describe(error)}") from error


def open_folder(url: str) -> StorageFolder:
    """Raises StorageError for a protocol that is not known or not installed."""
    try:
        fs, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        extra = "convserve[s3]" if url.startswith("s3") else "the package that it names"
        raise StorageError(f"{url}: {error} (pip install {extra}).") from error
    except Exception as error:
        known = ", ".join(sorted(fsspec.available_protocols())[:40])
        raise StorageError(f"{url}: {describe(error)} Known: {known}.") from error
    path = path.rstrip("/") or path
    if has_magic(path) and not fs.exists(path):
        fixed = re.split(r"[*?\[]", path, maxsplit=1)[0].rpartition("/")[0]
        return StorageFolder(url, fixed, fs, path)
    return StorageFolder(url, path, fs)


def open_source(url: str) -> StorageFolder:
    """A place to read from: a folder, a pattern or one file. Raises StorageError where there is nothing."""
    place = open_folder(url)
    if place.pattern is None:
        with place.telling("read"):
            info = place.fs.info(place.root) if place.root else {"type": "directory"}
        if info["type"] == "file":
            return StorageFolder(url, place.root.rpartition("/")[0], place.fs, place.root)
    return place


def check_apart(source: StorageFolder, out: StorageFolder) -> None:
    """Raise StorageError where the results would lie among the images, and be taken for images the next time."""
    same = list_protocols(source.fs) == list_protocols(out.fs)
    if same and f"{out.root}/".startswith(f"{source.root.rstrip('/')}/"):
        raise StorageError(f"--out {out.url} lies in {source.root or '/'}, where the images come from. Say another.")


def list_protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def stamp(info: dict[str, Any]) -> str:
    """What changes when the file does; empty where the file system tells no more than the size."""
    told = [f"{key}={info[key]}" for key in STAMPS if info.get(key) is not None]
    return " ".join(told) if len(told) > 1 else ""


def describe(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{text or type(error).__name__}".rstrip(".") + "."
