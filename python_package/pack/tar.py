"""Tar headers that depend on nothing but the name, the size and whether a file may be executed."""

from __future__ import annotations

BLOCK = 512
END = bytes(2 * BLOCK)

# 1980-01-01, the oldest time that every archive format can hold. No entry keeps the time of its file.
MTIME = 315532800

REGULAR, SYMLINK, DIRECTORY = b"0", b"2", b"5"
_LONG_NAME, _LONG_TARGET = b"L", b"K"
_NAME_SIZE = 100
_MODES = {REGULAR: 0o644, SYMLINK: 0o777, DIRECTORY: 0o755}


def header(name: str, size: int = 0, *, kind: bytes = REGULAR, executable: bool = False, target: str = "") -> bytes:
    """Return the header block(s) of one entry in GNU's format, which GNU tar, busybox and tarfile all read."""
    path, link = _encode(name), _encode(target)
    blocks = b""
    if len(link) > _NAME_SIZE:
        blocks += _long(_LONG_TARGET, link)
    if len(path) > _NAME_SIZE:
        blocks += _long(_LONG_NAME, path)
    mode = 0o755 if executable and kind == REGULAR else _MODES[kind]
    return blocks + _block(path, mode, size, kind, link)


def padding(size: int) -> bytes:
    """Return the zeros that fill an entry's last block."""
    return bytes(-size % BLOCK)


def _encode(name: str) -> bytes:
    return name.encode("utf-8", "surrogateescape")


def _long(kind: bytes, name: bytes) -> bytes:
    data = name + b"\0"
    return _block(b"././@LongLink", 0o644, len(data), kind, b"") + data + padding(len(data))


def _block(path: bytes, mode: int, size: int, kind: bytes, link: bytes) -> bytes:
    # 11 octal digits reach 8 GiB; GNU's base-256 form goes on from there.
    length = b"%011o\0" % size if size < 8**11 else b"\x80" + size.to_bytes(11, "big")
    fields = b"%s%07o\0%07o\0%07o\0%s%011o\0        %s%sustar  \0" % (
        path[:_NAME_SIZE].ljust(_NAME_SIZE, b"\0"),
        mode,
        0,
        0,
        length,
        MTIME,
        kind,
        link[:_NAME_SIZE].ljust(_NAME_SIZE, b"\0"),
    )
    checksum = b"%06o\0 " % sum(fields)
    return (fields[:148] + checksum + fields[156:]).ljust(BLOCK, b"\0")
