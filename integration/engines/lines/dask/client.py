"""The client: eight tasks for whatever workers there are."""

import json
import os

from distributed import Client
from work import work

with Client(os.environ["SCHEDULER"], timeout=60) as client:
    client.wait_for_workers(1, timeout=90)
    client.get_versions(check=True)
    for report in client.gather(client.map(work, range(8))):
        print(json.dumps(report))
