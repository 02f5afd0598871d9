"""Folders of images and results, on any file system that fsspec knows."""

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
"""Protocols that create an object completely or not at all. Elsewhere a partial file is written and renamed."""
PARTIAL = re.compile(r"\..*\.[0-9a-f]{8}\.convserve-part")
"""Names of files that are being written."""
STAMP_KEYS = ("size", "mtime", "ETag", "etag", "LastModified", "last_modified", "content_md5", "md5Hash", "created")
"""Metadata of different file systems that change with the content of a file."""
FILE_NAME_ERRNOS = {errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EINVAL, errno.EILSEQ}
"""Errors that concern one file name rather than the whole folder."""


class StorageError(ValueError):
    """A folder cannot be reached, listed, read or written. The message names it and gives the reason."""


class FileNameError(ValueError):
    """A folder cannot store a file of this name. Other names may work."""


@dataclass(frozen=True)
class StorageFolder:
    """A folder, or the files that match a pattern. File names are relative to `root`."""

    url: str
    """As the user gave it, for messages."""
    root: str
    fs: Any
    pattern: str | None = None

    @property
    def is_local(self) -> bool:
        return isinstance(self.fs, LocalFileSystem)

    def join(self, name: str) -> str:
        """The path of a file on `fs`."""
        return f"{self.root.rstrip('/')}/{name}" if self.root else name

    def relate(self, path: str) -> str:
        """The inverse of `join`."""
        return path.rstrip("/").removeprefix(self.root).lstrip("/")

    def walk(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        """Yield (folder, [(name, stamp)]) for one folder after the other, so that memory holds one of them.

        The stamp of a file changes with its content; it is empty if the file system has only the size. A folder that
        matches a pattern is not searched. Without a pattern, hidden files and links to folders are left out. Raises
        StorageError.
        """
        yield from self._walk_folders() if self.pattern is None else self._walk_matches(self.pattern)

    def _walk_matches(self, pattern: str) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        with self.convert_errors("searched"):
            found = self.fs.glob(pattern, detail=True)
        folders: dict[str, list[tuple[str, str]]] = {}
        for path, info in sorted(found.items()):
            if info["type"] == "file":
                name = self.relate(path)
                folders.setdefault(name.rpartition("/")[0], []).append((name, make_stamp(info)))
        yield from folders.items()

    def _walk_folders(self) -> Iterator[tuple[str, list[tuple[str, str]]]]:
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            infos = sorted(self.list_folder(folder), key=lambda info: str(info["name"]))
            entries = [(self.relate(info["name"]), info) for info in infos]
            entries = [(name, info) for name, info in entries if not name.rsplit("/", 1)[-1].startswith(".")]
            yield folder, [(name, make_stamp(info)) for name, info in entries if info["type"] == "file"]
            waiting += reversed(
                [name for name, info in entries if info["type"] == "directory" and not info.get("islink")]
            )

    def list_folder(self, folder: str) -> list[dict[str, Any]]:
        path = self.join(folder) if folder else self.root
        with self.convert_errors("listed"):
            infos = self.fs.ls(path, detail=True)
        return [info for info in infos if info["name"].rstrip("/") != path.rstrip("/")]

    def list_sizes(self, folder: str) -> dict[str, int]:
        """Bytes of every file in a folder; empty if the folder does not exist.

        Removes partial files that a killed run has left. Raises StorageError.
        """
        try:
            infos = self.fs.ls(self.join(folder) if folder else self.root, detail=True)
        except (FileNotFoundError, NotADirectoryError):
            return {}
        except Exception as error:
            raise StorageError(f"{self.url} cannot be listed: {describe_error(error)}") from error
        for info in infos:
            if PARTIAL.fullmatch(info["name"].rsplit("/", 1)[-1]):
                with suppress(OSError):
                    self.fs.rm_file(info["name"])
        return {self.relate(info["name"]): info["size"] or 0 for info in infos if info["type"] == "file"}

    def read(self, name: str) -> bytes:
        """Raises an exception of the file system; `check_reachable` then finds out whether the folder is the reason."""
        return bytes(self.fs.cat_file(self.join(name)))

    def check_reachable(self) -> None:
        """Raise StorageError if the folder does not exist or cannot be reached."""
        with self.convert_errors("reached"):
            self.fs.ls(self.root, detail=False)

    def write(self, name: str, data: bytes) -> None:
        """Write a file completely or not at all. Raises StorageError (a full disk, a lost bucket) or FileNameError."""
        with self.replace(name) as path:
            self.fs.pipe_file(path, data)

    def upload(self, file: Path, name: str) -> None:
        """Copy a local file completely or not at all. Raises as `write`."""
        with self.replace(name) as path:
            self.fs.put_file(str(file), path)

    @contextmanager
    def replace(self, name: str) -> Iterator[str]:
        """Yield a path to write to. When the body ends without an exception, the file there gets the name."""
        path = self.join(name)
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
            if isinstance(error, OSError) and error.errno in FILE_NAME_ERRNOS:
                raise FileNameError(f"{name} cannot be written: {error.strerror}.") from error
            if isinstance(error, Exception):
                raise StorageError(f"{self.url} cannot be written: {describe_error(error)}") from error
            raise

    @contextmanager
    def convert_errors(self, done: str) -> Iterator[None]:
        """Raise StorageError for the exceptions of the body, whose types differ between file systems."""
        try:
            yield
        except Exception as error:
            raise StorageError(f"{self.url} cannot be {done}: {describe_error(error)}") from error


def open_folder(url: str) -> StorageFolder:
    """Open a folder or a pattern. Raises StorageError if the protocol is unknown or its package is not installed."""
    try:
        fs, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        remedy = " Run: pip install 'convserve[s3]'." if url.startswith("s3") else ""  # others are in the error
        raise StorageError(f"{url} cannot be opened: {describe_error(error)}{remedy}") from error
    except Exception as error:
        known = ", ".join(sorted(fsspec.available_protocols())[:40])
        raise StorageError(f"{url} cannot be opened: {describe_error(error)} Known protocols: {known}.") from error
    path = path.rstrip("/") or path
    if has_magic(path) and not fs.exists(path):
        fixed = re.split(r"[*?\[]", path, maxsplit=1)[0].rpartition("/")[0]
        return StorageFolder(url, fixed, fs, path)
    return StorageFolder(url, path, fs)


def open_source(url: str) -> StorageFolder:
    """Open a folder, a pattern or one file to read. Raises StorageError if it does not exist."""
    folder = open_folder(url)
    if folder.pattern is None:
        with folder.convert_errors("read"):
            info = folder.fs.info(folder.root) if folder.root else {"type": "directory"}
        if info["type"] == "file":
            return StorageFolder(url, folder.root.rpartition("/")[0], folder.fs, folder.root)
    return folder


def write_local_file(path: Path, data: bytes) -> None:
    """Write a file on this machine completely or not at all, and create its folder. Raises as `StorageFolder.write`."""
    StorageFolder(str(path), str(path.parent), LocalFileSystem()).write(path.name, data)


def check_no_overlap(source: StorageFolder, out: StorageFolder) -> None:
    """Raise StorageError if the results would be in the source, where the next run would take them for images."""
    is_same_system = list_protocols(source.fs) == list_protocols(out.fs)
    if is_same_system and f"{resolve_root(out)}/".startswith(f"{resolve_root(source).rstrip('/')}/"):
        raise StorageError(
            f"--out {out.url} is inside the folder of the images, {source.root or '/'}. Choose a folder outside of it."
        )


def resolve_root(folder: StorageFolder) -> str:
    """On this machine without `..` and symbolic links."""
    return os.path.realpath(folder.root) if folder.is_local else folder.root


def list_protocols(fs: Any) -> tuple[str, ...]:
    return (fs.protocol,) if isinstance(fs.protocol, str) else tuple(fs.protocol)


def make_stamp(info: dict[str, Any]) -> str:
    """Size and time or checksum of a file as text; empty if there is only one of them."""
    known = [f"{key}={info[key]}" for key in STAMP_KEYS if info.get(key) is not None]
    return " ".join(known) if len(known) > 1 else ""


def describe_error(error: BaseException) -> str:
    """The reason as a sentence."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return f"{text or type(error).__name__}".rstrip(".") + "."
