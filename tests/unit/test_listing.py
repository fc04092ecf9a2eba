"""Which names of the imports are listed: the top level, or more where only that tells the project."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from python_package import import_names
from python_package.analyze import analyze_sources
from python_package.analyze.listing import SHARED
from python_package.errors import SolveError
from python_package.import_names import table


def _modules(source: str, python: str = sys.executable) -> tuple[str, ...]:
    return analyze_sources([("script.py", source.encode())], python=python).spec.modules


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import google.cloud.storage", ("google.cloud.storage",)),
        ("import google.cloud.storage.blob as b", ("google.cloud.storage",)),
        ("from google.cloud import storage", ("google.cloud.storage",)),
        ("from google.cloud import storage as s, bigquery", ("google.cloud.bigquery", "google.cloud.storage")),
        ("from google.cloud.storage import Client, Blob", ("google.cloud.storage",)),
        ("from google import auth, protobuf", ("google.auth", "google.protobuf")),
        ("from google.protobuf import message", ("google.protobuf",)),
        ("from azure.storage.blob import BlobClient", ("azure.storage.blob",)),
        ("import azure.identity, azure.storage.blob.aio", ("azure.identity", "azure.storage.blob")),
        ("from ruamel.yaml import YAML", ("ruamel.yaml",)),
        ("from ruamel import yaml", ("ruamel.yaml",)),
        ("from zope.interface import Interface, implementer", ("zope.interface",)),
        ("from mpl_toolkits.mplot3d import Axes3D", ("mpl_toolkits",)),
        ("from mpl_toolkits.basemap import Basemap", ("mpl_toolkits.basemap",)),
        ("from airflow import DAG", ("airflow",)),
        ("from airflow.providers.amazon.aws import hooks", ("airflow.providers.amazon",)),
        ("from opentelemetry import trace", ("opentelemetry",)),
        ("from opentelemetry.sdk.trace import TracerProvider", ("opentelemetry.sdk",)),
        ("from Products import CMFCore", ("Products.CMFCore",)),
        ("import lsst.utils.introspection", ("lsst.utils",)),
        ("from lsst import utils", ("lsst.utils",)),
        ("from lsst.daf import butler", ("lsst.daf.butler",)),
        ("from lsst.daf.butler import Butler", ("lsst.daf.butler",)),
        ("import lsst, lsst.resources", ("lsst.resources",)),
        ("from diffpy.utils.parsers import loaddata", ("diffpy.utils",)),
        ("from cocotbext.axi import AxiBus", ("cocotbext.axi",)),
        ("from autogluon.tabular import TabularPredictor", ("autogluon.tabular",)),
        ("from livekit import agents, rtc", ("livekit", "livekit.agents")),
        ("__import__('google.cloud.storage'); __import__('google.cloud.my-storage')", ("google.cloud.storage",)),
    ],
)
def test_listed__namespace__is_named_as_far_as_tells_its_project(source: str, modules: tuple[str, ...]) -> None:
    assert _modules(source) == modules
    assert all(package.pypi for package in import_names.resolve(modules))


@pytest.mark.parametrize(
    ("source", "modules"),
    [
        ("import google, google.auth", ("google.auth",)),
        ("import google.cloud.storage\nfrom google import cloud", ("google.cloud.storage",)),
        ("import opentelemetry, opentelemetry.sdk", ("opentelemetry", "opentelemetry.sdk")),
        ("import google", ("google",)),
        ("import google.cloud", ("google.cloud",)),
        ("from google.cloud import *", ("google.cloud",)),
        ("from google.cloud import Client", ("google.cloud",)),
        ("from google.cloud.unknown_part import Client", ("google.cloud.unknown_part",)),
        ("import lsst", ("lsst",)),
        ("from lsst import afw", ("lsst.afw",)),
        ("from airflow.providers.unknown import hooks", ("airflow.providers.unknown",)),
        ("from airflow import providers", ("airflow.providers",)),
    ],
)
def test_listed__the_namespace_itself__only_where_nothing_says_more(source: str, modules: tuple[str, ...]) -> None:
    assert _modules(source) == modules


@pytest.mark.parametrize(
    ("name", "candidates"),
    [
        ("lsst", "lsst-sphgeom, lsst-alert-packet"),
        ("lsst.afw", "lsst-sphgeom, lsst-alert-packet"),
        ("lsst.daf.unknown", "lsst-daf-butler, lsst-daf-relation, lsst-sphgeom"),
        ("openff", "openff-nagl-models"),
        ("openff.unknown", "openff-nagl-models"),
        ("google.cloud", "google-cloud-storage"),
        ("airflow.providers", "apache-airflow-providers-common-sql"),
        ("airflow.providers.unknown", "apache-airflow-providers-"),
        ("opentelemetry.exporter.unknown", "opentelemetry-exporter-"),
        ("llama_index.llms", "llama-index-llms-openai"),
    ],
)
def test_resolve__namespace_or_a_part_that_no_project_is_known_for__is_refused_with_the_candidates(
    name: str, candidates: str
) -> None:
    with pytest.raises(SolveError, match=rf"^{re.escape(name)}: many packages fill .*[(]{candidates}.*--map {name}="):
        import_names.resolve([name])


def test_resolve__in_a_channel_only__is_asked_of_no_index() -> None:
    (package,) = import_names.resolve(["openff.toolkit"])
    assert (package.pypi, package.conda) == ("", ("openff-toolkit",))


def test_listed__every_other_module__is_its_top_level() -> None:
    source = "import google.auth, numpy.linalg\nfrom Acme.sub import Thing\nfrom os import path\nfrom yaml import YAML"
    assert _modules(source) == ("Acme", "google.auth", "numpy", "yaml")


def test_shared__is_what_the_tables_tell_apart() -> None:
    assert sorted(table.load().shared() ^ SHARED) == [], "copy it into python_package/analyze/listing.py"


@pytest.mark.parametrize(("source", "reads"), [("import numpy.linalg, yaml", False), ("import google.auth", True)])
def test_listed__script_without_namespaces__does_not_read_the_tables(source: str, reads: bool) -> None:
    program = (
        "import sys; from python_package.analyze import analyze_sources; "
        f"analyze_sources([('s.py', {source.encode()!r})], python=sys.executable); "
        "print('python_package.import_names' in sys.modules)"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert ran.stdout.strip() == str(reads)
