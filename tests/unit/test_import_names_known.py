"""Well-known imports whose project or package is named otherwise, or that strangers' projects are named after.

Each row: the import, its PyPI project, the Conda package that is asked for first; `-` for none. Each group: what
shows that its rows are right.
"""

from __future__ import annotations

import pytest

from python_package import import_names
from python_package.errors import SolveError
from python_package.import_names.package import Package

TRUTH = {
    "the files in the project's wheel (newest on 2026-11-24, or the version given)": """
        ansys.mapdl.core ansys-mapdl-core ansys-mapdl-core
        asynchat pyasynchat pyasynchat
        asyncore pyasyncore pyasyncore
        azure.digitaltwins.core azure-digitaltwins-core azure-digitaltwins-core
        backports.configparser configparser configparser
        barcode python-barcode python-barcode
        box python-box python-box
        cgi legacy-cgi legacy-cgi
        classad htcondor python-htcondor  # 24.12; 25 has no classad any more
        classad2 htcondor python-htcondor
        consul python-consul python-consul
        dataclasses dataclasses dataclasses
        debian python-debian python-debian
        dwave.cloud dwave-cloud-client dwave-cloud-client
        fluent.sender fluent-logger fluent-logger
        fpdf fpdf2 fpdf2
        google.appengine appengine-python-standard appengine-python-standard
        google.auth google-auth google-auth
        google.cloud.client google-cloud-core google-cloud-core
        google.cloud.pubsub_v1 google-cloud-pubsub google-cloud-pubsub
        google.cloud.sql.connector cloud-sql-python-connector cloud-sql-python-connector
        google.iam.v1 grpc-google-iam-v1 grpc-google-iam-v1
        google.oauth2 google-auth google-auth
        google.rpc googleapis-common-protos googleapis-common-protos
        gribapi eccodes python-eccodes
        htcondor htcondor python-htcondor  # 24.12; 25 has no htcondor any more
        htcondor2 htcondor python-htcondor
        ignite pytorch-ignite pytorch-ignite
        imdb cinemagoer cinemagoer
        iris scitools-iris iris
        lal lalsuite lalsuite
        lightning_fabric lightning-fabric lightning-fabric
        ligo.gracedb ligo-gracedb ligo-gracedb
        ligo.skymap ligo-skymap ligo-skymap
        llama_index.core llama-index-core llama-index-core
        mpl_toolkits.basemap basemap basemap
        openbabel openbabel-wheel openbabel
        openinference.instrumentation openinference-instrumentation openinference-instrumentation
        openinference.instrumentation.openai openinference-instrumentation-openai openinference-instrumentation-openai
        openinference.semconv openinference-semantic-conventions openinference-semantic-conventions
        opentelemetry.proto opentelemetry-proto opentelemetry-proto
        opentelemetry.semconv opentelemetry-semantic-conventions opentelemetry-semantic-conventions
        opentelemetry.trace opentelemetry-api opentelemetry-api
        paste.deploy pastedeploy pastedeploy
        pcapy pcapy-ng pcapy-ng
        Pegasus.api pegasus-wms-api pegasus-wms.api
        pkg_resources setuptools setuptools  # 81; 82 has no pkg_resources any more
        progressbar progressbar2 progressbar2
        pynvml nvidia-ml-py nvidia-ml-py
        pyray raylib raylib-python-cffi
        quaternion numpy-quaternion quaternion
        roadrunner libroadrunner libroadrunner
        shapefile pyshp pyshp
        simtk openmm openmm
        slack slackclient slackclient
        snowflake.snowpark snowflake-snowpark-python snowflake-snowpark-python
        stl numpy-stl numpy-stl
        stsci.tools stsci-tools stsci-tools
        TCLIService pyhive pyhive
        tencentcloud tencentcloud-sdk-python tencentcloud-sdk-python
        tvb.simulator tvb-library tvb-library
        vaex vaex-core vaex-core
        vcf pyvcf3 pyvcf3
        XRootD xrootd xrootd
    """,
    "the project's own documentation, 'Installation' or 'Quick start'; conda-forge's recipe of the same name": """
        absl absl-py absl-py
        airflow apache-airflow airflow
        airflow.providers.amazon apache-airflow-providers-amazon apache-airflow-providers-amazon
        allel scikit-allel scikit-allel
        antlr4 antlr4-python3-runtime antlr4-python3-runtime
        arango python-arango python-arango
        attr attrs attrs
        azure.identity azure-identity azure-identity
        azure.keyvault.secrets azure-keyvault-secrets azure-keyvault-secrets
        azure.storage.blob azure-storage-blob azure-storage-blob
        azure.storage.filedatalake azure-storage-file-datalake azure-storage-file-datalake
        backports.zoneinfo backports-zoneinfo backports.zoneinfo
        Bio biopython biopython
        bs4 beautifulsoup4 beautifulsoup4
        bson pymongo pymongo
        cairo pycairo pycairo
        can python-can python-can
        cassandra cassandra-driver cassandra-driver
        community python-louvain python-louvain
        corsheaders django-cors-headers django-cors-headers
        crontab python-crontab python-crontab
        Crypto pycryptodome pycryptodome
        Cryptodome pycryptodomex pycryptodomex
        daemon python-daemon python-daemon
        databricks.sql databricks-sql-connector databricks-sql-connector
        dateutil python-dateutil python-dateutil
        dbus dbus-python dbus-python
        decouple python-decouple python-decouple
        distutils setuptools setuptools
        dns dnspython dnspython
        docx python-docx python-docx
        dotenv python-dotenv python-dotenv
        dwave.system dwave-system dwave-system
        elftools pyelftools pyelftools
        engineio python-engineio python-engineio
        ffmpeg ffmpeg-python ffmpeg-python
        fitz pymupdf pymupdf
        flask_sqlalchemy flask-sqlalchemy flask-sqlalchemy
        fontTools fonttools fonttools
        gi pygobject pygobject
        git gitpython gitpython
        github pygithub pygithub
        gitlab python-gitlab python-gitlab
        gnupg python-gnupg python-gnupg
        google.cloud.bigquery google-cloud-bigquery google-cloud-bigquery
        google.cloud.secretmanager google-cloud-secret-manager google-cloud-secret-manager
        google.cloud.storage google-cloud-storage google-cloud-storage
        google.genai google-genai google-genai
        google.protobuf protobuf protobuf
        googleapiclient google-api-python-client google-api-python-client
        grpc grpcio grpcio
        hydra hydra-core hydra-core
        imblearn imbalanced-learn imbalanced-learn
        IPython ipython ipython
        jaraco.functools jaraco-functools jaraco.functools
        jose python-jose python-jose
        jpype jpype1 jpype1
        jwt pyjwt pyjwt
        kafka kafka-python kafka-python
        keycloak python-keycloak python-keycloak
        ldap python-ldap python-ldap
        llama_cpp llama-cpp-python llama-cpp-python
        magic python-magic python-magic
        markdown_it markdown-it-py markdown-it-py
        mpl_toolkits matplotlib matplotlib-base
        mpl_toolkits.mplot3d matplotlib matplotlib-base
        mysql mysql-connector-python mysql-connector-python
        MySQLdb mysqlclient mysqlclient
        nacl pynacl pynacl
        OpenGL pyopengl pyopengl
        OpenSSL pyopenssl pyopenssl
        opentelemetry.sdk opentelemetry-sdk opentelemetry-sdk
        osgeo gdal gdal
        paho paho-mqtt paho-mqtt
        past future future
        PIL pillow pillow
        playhouse peewee peewee
        pptx python-pptx python-pptx
        psycopg2 psycopg2-binary psycopg2
        pylab matplotlib matplotlib-base
        pythonjsonlogger python-json-logger python-json-logger
        pytorch_lightning pytorch-lightning pytorch-lightning
        pywt pywavelets pywavelets
        pyximport cython cython
        rapidjson python-rapidjson python-rapidjson
        rest_framework djangorestframework djangorestframework
        ruamel.yaml ruamel-yaml ruamel.yaml
        sass libsass libsass
        serial pyserial pyserial
        shapely shapely shapely
        skbio scikit-bio scikit-bio
        skimage scikit-image scikit-image
        sklearn scikit-learn scikit-learn
        skopt scikit-optimize scikit-optimize
        slugify python-slugify python-slugify
        snappy python-snappy python-snappy
        snowflake.connector snowflake-connector-python snowflake-connector-python
        socketio python-socketio python-socketio
        socks pysocks pysocks
        speech_recognition speechrecognition speechrecognition
        sphinxcontrib.bibtex sphinxcontrib-bibtex sphinxcontrib-bibtex
        talib ta-lib ta-lib
        telegram python-telegram-bot python-telegram-bot
        umap umap-learn umap-learn
        usb pyusb pyusb
        vertexai google-cloud-aiplatform google-cloud-aiplatform
        vtkmodules vtk vtk
        weaviate weaviate-client weaviate-client
        wx wxpython wxpython
        Xlib python-xlib python-xlib
        xdist pytest-xdist pytest-xdist
        yaml pyyaml pyyaml
        zmq pyzmq pyzmq
        zope.interface zope-interface zope.interface
    """,
    "conda-forge's recipe, whose package is not named after the project": """
        blosc blosc python-blosc
        build build python-build
        cupy cupy-cuda12x cupy
        cv2 opencv-python-headless py-opencv
        docker docker docker-py
        duckdb duckdb python-duckdb
        faiss faiss-cpu faiss-cpu
        graphviz graphviz python-graphviz
        h3 h3 h3-py
        igraph igraph python-igraph
        kaleido kaleido python-kaleido
        kubernetes kubernetes python-kubernetes
        matplotlib matplotlib matplotlib-base
        msgpack msgpack msgpack-python
        neo4j neo4j neo4j-python-driver
        PyQt5 pyqt5 pyqt
        ray ray ray-core
        redis redis redis-py
        seaborn seaborn seaborn-base
        sounddevice sounddevice python-sounddevice
        soundfile soundfile pysoundfile
        tables tables pytables
        torch torch pytorch
        torch_geometric torch-geometric pytorch_geometric
        tree_sitter tree-sitter tree_sitter
        typing_extensions typing-extensions typing_extensions
        tzdata tzdata python-tzdata
        xgboost xgboost py-xgboost
        xxhash xxhash python-xxhash
    """,
    "the project's own documentation, which sends to conda-forge: PyPI has no, an empty, or a stranger's project": """
        detectron2 - detectron2
        dolfin - fenics
        dolfinx - fenics-dolfinx
        en_core_web_sm - spacy-model-en_core_web_sm
        ESMF - esmpy
        esmpy - esmpy
        graph_tool - graph-tool
        lhapdf - lhapdf
        ndcctools - ndcctools
        ndcctools.taskvine - ndcctools
        nest - nest-simulator
        Ngl - pyngl
        OCC - pythonocc-core
        psi4 - psi4
        pymol - pymol-open-source
        resource_monitor - ndcctools
        ROOT - root
        sage - sage
        work_queue - ndcctools
    """,
    "the import is the project and the package": """
        ase ase ase
        astropy astropy astropy
        coffea coffea coffea
        dask dask dask
        dill dill dill
        h5py h5py h5py
        lxml lxml lxml
        mpi4py mpi4py mpi4py
        netCDF4 netcdf4 netcdf4
        numpy numpy numpy
        pandas pandas pandas
        parsl parsl parsl
        pyarrow pyarrow pyarrow
        rdkit rdkit rdkit
        requests requests requests
        scipy scipy scipy
        tensorflow tensorflow tensorflow
        uproot uproot uproot
    """,
}
ROWS = [
    tuple(line.partition("#")[0].split()) for group in TRUTH.values() for line in group.splitlines() if line.strip()
]

# Import and a project of PyPI that a naive lookup would take for it.
STRANGERS = """
    apex apex
    apt python-apt
    attr attr
    bs4 bs4
    clip clip
    Crypto crypto
    Crypto pycrypto
    cv2 cv2
    cv2 opencv
    cv2 testcv2
    dateutil dateutil
    discord discord
    docx docx
    dotenv dotenv
    faiss faiss
    fitz fitz
    gdb gdb
    gi gi
    git git
    google google
    iris iris
    jwt jwt
    kafka kafka
    lazyaml lazyaml
    magic magic
    nacl nacl
    numpyy numpyy
    OpenSSL openssl
    opencv opencv
    PIL pil
    pymol pymol
    reqeusts reqeusts
    ROOT root
    rospy rospy
    sage sage
    serial serial
    skimage skimage
    sklearn sklearn
    tables pytables
    telegram telegram
    testcv2 testcv2
    tests ydb
    usb usb
    utils utils
    utils vastai
    whisper whisper
    work_queue work-queue
    yaml lazyaml
    yaml yaml
    zmq zmq
"""


def chosen(module: str) -> Package | None:
    """Return the package of a module for a user who has nothing installed, None where it is refused."""
    try:
        return import_names.resolve([module])[0]
    except SolveError:
        return None


def test_the_table__is_as_large_as_it_claims_to_be() -> None:
    assert len({row[0] for row in ROWS}) == len(ROWS) >= 200
    assert sum(row[0] != row[1] for row in ROWS) >= 120


@pytest.mark.parametrize(("module", "pypi", "conda"), ROWS)
def test_resolve__well_known_import__is_its_project_and_package(module: str, pypi: str, conda: str) -> None:
    (package,) = import_names.resolve([module])
    assert (package.pypi or "-", package.conda[0]) == (pypi, conda)


@pytest.mark.parametrize(("module", "stranger"), [line.split() for line in STRANGERS.split("\n") if line.strip()])
def test_resolve__a_stranger_s_project__is_never_chosen(module: str, stranger: str) -> None:
    package = chosen(module)
    assert package is None or package.pypi != stranger


def test_resolve__well_known_imports__leave_nothing_to_assume() -> None:
    assumed = [row[0] for row in ROWS if import_names.resolve([row[0]])[0].assumed]
    assert assumed == []
