"""A folder that behaves as a bucket does where gcsfuse has mounted it: `bucket.py FOLDER MOUNT …`.

What gcsfuse documents (docs/semantics.md, "Permissions and ownership", "Surprising behaviors"): all
files have one owner and one mode, whoever made them; the kernel checks these, so that anybody else
may set no mode and no times; no folder that holds something is renamed; there are no links and no
extended attributes.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mfusepy import FUSE, FuseOSError, Operations


class Bucket(Operations):  # type: ignore[misc]
    """Args:
    root: the folder behind it.
    owner: id of the user whom everything belongs to.
    modes: those of a file and of a folder.
    """

    use_ns = True

    def __init__(self, root: str, owner: int, modes: tuple[int, int]) -> None:
        self.root = root
        self.owner = owner
        self.file_mode, self.folder_mode = modes

    def init(self, path: str) -> None:
        print("mounted", flush=True)

    def behind(self, path: str) -> Path:
        return Path(self.root + path)

    def getattr(self, path: str, fh: int | None = None) -> dict[str, Any]:
        with errors():
            status = self.behind(path).lstat()
        folder = stat.S_ISDIR(status.st_mode)
        return {
            "st_mode": stat.S_IFDIR | self.folder_mode if folder else stat.S_IFREG | self.file_mode,
            "st_uid": self.owner,
            "st_gid": self.owner,
            "st_size": status.st_size,
            "st_nlink": 1,
            "st_mtime": status.st_mtime_ns,
            "st_atime": status.st_mtime_ns,
            "st_ctime": status.st_mtime_ns,
        }

    def readdir(self, path: str, fh: int) -> list[str]:
        return [".", "..", *(each.name for each in self.behind(path).iterdir())]

    def access(self, path: str, amode: int) -> int:
        return 0

    def chmod(self, path: str, mode: int) -> int:
        return 0

    def chown(self, path: str, uid: int, gid: int) -> int:
        return 0

    def utimens(self, path: str, times: Any = None) -> int:
        return 0

    def mkdir(self, path: str, mode: int) -> None:
        with errors():
            self.behind(path).mkdir()

    def rmdir(self, path: str) -> None:
        with errors():
            self.behind(path).rmdir()

    def unlink(self, path: str) -> None:
        with errors():
            self.behind(path).unlink()

    def rename(self, old: str, new: str, flags: int = 0) -> None:
        if self.behind(old).is_dir():
            raise FuseOSError(errno.EMFILE)
        with errors():
            self.behind(old).rename(self.behind(new))

    def link(self, target: str, source: str) -> None:
        raise FuseOSError(errno.ENOSYS)

    def symlink(self, target: str, source: str) -> None:
        raise FuseOSError(errno.ENOSYS)

    def getxattr(self, path: str, name: str, position: int = 0) -> bytes:
        raise FuseOSError(errno.ENOSYS)

    def listxattr(self, path: str) -> list[str]:
        raise FuseOSError(errno.ENOSYS)

    def create(self, path: str, mode: int, fi: Any = None) -> int:
        with errors():
            return os.open(self.behind(path), os.O_RDWR | os.O_CREAT | os.O_TRUNC)

    def open(self, path: str, flags: int) -> int:
        with errors():
            return os.open(self.behind(path), flags & ~os.O_APPEND)

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        return os.pread(fh, size, offset)

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        return os.pwrite(fh, data, offset)

    def truncate(self, path: str, length: int, fh: int | None = None) -> None:
        with errors():
            os.truncate(self.behind(path), length)

    def release(self, path: str, fh: int) -> None:
        os.close(fh)


@contextmanager
def errors() -> Iterator[None]:
    """Hand the kernel the errors of the folder behind."""
    try:
        yield
    except OSError as error:
        raise FuseOSError(error.errno) from error


if __name__ == "__main__":
    behind, mount, owner, file_mode, folder_mode = sys.argv[1:]
    FUSE(
        Bucket(behind, int(owner), (int(file_mode, 8), int(folder_mode, 8))),
        mount,
        foreground=True,
        nothreads=True,
        allow_other=True,
        default_permissions=True,
    )
