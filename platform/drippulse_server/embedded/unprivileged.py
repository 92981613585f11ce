"""Becomes another account and executes a program: `python -I -S unprivileged.py UID GID CAPABILITY PROGRAM ARG...`.

PostgreSQL refuses to run as root. CAPABILITY is a Linux capability number that the program keeps though it is not root
(ambient, see capabilities(7)), so that it can enter folders which are closed to its account, such as /root, without
changing anybody's permissions; -1 keeps none. The standard library alone: it runs without site-packages.
"""

import ctypes
import os
import sys

PR_SET_KEEPCAPS = 8
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 1 << 2
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
LINUX_CAPABILITY_VERSION_3 = 0x20080522


class _Header(ctypes.Structure):
    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Data(ctypes.Structure):
    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


def _checked(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def become(uid: int, gid: int, capability: int) -> None:
    """Drops root for good, keeping `capability` (-1: nothing).

    Raises:
        OSError: the system does not let us.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if capability >= 0:
        _checked(libc.prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0), "prctl(PR_SET_KEEPCAPS)")
        # access(2), with which PostgreSQL looks for its own programs, ignores capabilities without this bit. Where it
        # is not ours to set (CAP_SETPCAP), programs have to lie in folders that are open to everybody.
        libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if capability >= 0:
        mask = 1 << capability
        data = (_Data * 2)(_Data(mask, mask, mask), _Data(0, 0, 0))
        header = _Header(LINUX_CAPABILITY_VERSION_3, 0)
        _checked(libc.capset(ctypes.byref(header), ctypes.byref(data)), "capset")
        _checked(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0), "prctl(PR_CAP_AMBIENT)")


if __name__ == "__main__":
    become(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    os.execv(sys.argv[4], sys.argv[4:])  # noqa: S606 - the caller gives the whole path of a program of its own
