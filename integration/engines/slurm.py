"""A Slurm cluster: a controller that is also a node, and a second node, on an internal network."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from integration.docker import LABEL, OWNER, PREFIX, DockerError, docker
from integration.engines.machine import Machine
from integration.engines.ways import LINES
from integration.machines import SHIMS

NODES = ("node1", "node2")
_CONF = LINES / "slurm" / "slurm.conf"


@dataclass(frozen=True)
class Cluster:
    """A cluster at work, whose nodes share /jobs, as a home folder is shared."""

    nodes: tuple[Machine, ...]

    @classmethod
    @contextmanager
    def start(cls, folder: Path, venv: Path | None = None) -> Iterator[Cluster]:
        """Start one that sees `folder`; remove it on leaving."""
        network = f"{PREFIX}-{OWNER}-slurm"
        with ExitStack() as stack:
            docker("network", "create", "--internal", "--label", f"{LABEL}={OWNER}", network).ok()
            stack.callback(docker, "network", "rm", network)
            nodes = []
            for name in NODES:
                options = ["--network", network, "--network-alias", name, "--hostname", name]
                options += ["--volume", f"{_CONF}:/etc/slurm/slurm.conf:ro"]
                # Given one core, the wrapper unpacks by one call of tar, and this tar counts.
                options += ["--volume", f"{SHIMS / 'tar'}:/usr/local/bin/tar:ro"]
                options += ["--env", "PYPKG_IT_UNPACKED=/tmp/unpacked"]
                nodes.append(stack.enter_context(Machine.start(name, folder, venv, options)))
            cluster = cls(tuple(nodes))
            cluster._serve()
            yield cluster

    def _serve(self) -> None:
        for number, node in enumerate(self.nodes):
            node.bash("su munge -s /bin/sh -c /usr/sbin/munged").ok()
            if number == 0:
                node.bash("mkdir -p /var/tmp/slurmctld && slurmctld").ok()
            node.bash("slurmd").ok()
        for _ in range(60):
            said = self.nodes[0].bash("sinfo --noheader --Node --format %t")
            if said.out.split() == ["idle"] * len(NODES):
                return
            time.sleep(0.5)
        raise DockerError(f"Slurm's nodes do not come up: {said.out}{said.err}")
