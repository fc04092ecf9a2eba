"""The images: built once per content of docker/, and named by it."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from integration.docker import PREFIX, DockerError, docker

CHECKOUT = Path(__file__).resolve().parent.parent
# The builder's is the public Miniconda image, the others' a Debian without Python.
MINICONDA = "continuumio/miniconda3"
DEBIAN = "debian:bookworm-slim"
# Folders of docker/ whose machines are not like this one -> their base image, its Debian's release and architecture.
_OTHERS = {
    "targets/arm64": ("arm64v8/debian:bookworm-slim", "bookworm", "arm64"),
    "targets/old": ("debian:bullseye-slim", "bullseye"),
}


@cache
def base(name: str, *release: str) -> str:
    """Return the image of that name, or what scripts/base-image makes where no registry answers."""
    script = CHECKOUT / "scripts" / "base-image"
    done = subprocess.run([script, name, *release], capture_output=True, text=True, timeout=1800, check=False)
    if done.returncode:
        raise DockerError(done.stderr.strip())
    return done.stdout.strip()


@cache
def image(folder: str, target: str) -> str:
    """Return the image of one kind of machine: a target of the Dockerfile in a folder of docker/."""
    name, *release = _OTHERS.get(folder, (DEBIAN,))
    options = ["--target", target]
    if folder in _OTHERS:
        options += ["--build-arg", f"NEWER={base(DEBIAN)}"]
    full = f"{folder}/{target}".replace("/", "-")
    return build(full, CHECKOUT / "docker" / folder, name, options, release=release)


def worker(target: str) -> str:
    """Return the image of one kind of worker: a target of docker/worker/Dockerfile."""
    return image("worker", target)


@cache
def manager() -> str:
    """Return the image of the cluster's manager."""
    return build("manager", CHECKOUT / "docker" / "manager", DEBIAN)


@cache
def readers() -> str:
    """Return the image with programs that read a .tar.gz."""
    return build("readers", CHECKOUT / "docker" / "readers", DEBIAN)


def build(
    name: str,
    context: Path,
    base_name: str,
    options: Sequence[str] = (),
    *,
    release: Sequence[str] = (),
    key: str = "",
) -> str:
    """Build an image from the Dockerfile in `context` on a base image, unless it is there; return its name.

    `release` is that of the base image, where it is not this machine's.
    `key` stands for the content of the context beyond the Dockerfile.
    """
    base_image = base(base_name, *release)
    content = (context / "Dockerfile").read_text() + base_image + key + "".join(options)
    repository = f"{PREFIX}-{name}"
    tagged = f"{repository}:{hashlib.sha256(content.encode()).hexdigest()[:12]}"
    if docker("image", "inspect", tagged).status:
        arguments = ("--quiet", "--force-rm", "--build-arg", f"BASE={base_image}", "--tag", tagged, *options)
        docker("build", *arguments, context, timeout=1800).ok()
        for old in docker("image", "ls", "--format", "{{.Repository}}:{{.Tag}}", repository).ok().out.split():
            if old != tagged:
                docker("image", "rm", old)  # stays if another run uses it
    return tagged
