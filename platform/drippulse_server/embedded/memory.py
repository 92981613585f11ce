"""How much memory embedded services may take for caches."""

import os
from pathlib import Path

SHARE = 32
LEAST_MIB = 64
MOST_MIB = 512
CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))


def cache_mib(limits: tuple[Path, ...] = CONTAINER_LIMITS) -> int:
    """A small share of the machine's memory, or of what its container is given."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    for limit in limits:
        try:
            memory = min(memory, int(limit.read_text(encoding="ascii")))
        except (OSError, ValueError):  # no such container, or one without a limit: "max"
            continue
    return max(LEAST_MIB, min(memory // SHARE >> 20, MOST_MIB))
